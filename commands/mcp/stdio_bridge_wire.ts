/**
 * A connection to the daemon for the stdio bridge's modern side: messages both ways over one channel, as
 * over stdio itself, so that no header has to repeat what a body says. The Unix socket where the daemon
 * has one, else a WebSocket.
 *
 * Guarantees: `onEnd` is called once, after the last message. What `send` rejects with
 * {@linkcode NotTaken} certainly never reached the daemon; what it resolves for may or may not have.
 *
 * @module
 */

import { LineSplitter } from "../../protocol/ndjson.ts";

/** The message was not taken by any daemon. */
export class NotTaken extends Error {}

/** Told what comes. */
export interface WireListener {
  onText(text: string): void;
  onEnd(): void;
}

/** One connection. */
export interface BridgeWire {
  /** @throws {NotTaken} */
  send(text: string): Promise<void>;
  close(): void;
}

/** Where to connect, and what for. */
export interface WireTarget {
  /** Base URL of the daemon. */
  url: string;
  /** Path of its Unix socket, if it has one. */
  socket: string | undefined;
  token: string | undefined;
  /** Name of the server; undefined for all of them together. */
  server: string | undefined;
  /** Absolute path of the project. */
  project: string | undefined;
}

/** Longest message of the daemon's, in characters: more than it sends. */
const MAX_TEXT = 80 * 1024 * 1024;

const utf8 = new TextEncoder();

/** Connects. @throws {NotTaken} when nobody is there. */
export function openWire(target: WireTarget, listener: WireListener): Promise<BridgeWire> {
  const { socket } = target;
  return socket === undefined ? openWebSocket(target, listener) : openSocket(target, {
    path: socket,
    listener,
  });
}

async function openSocket(
  { server, project }: WireTarget,
  { path, listener }: { path: string; listener: WireListener },
): Promise<BridgeWire> {
  let conn: Deno.UnixConn;
  try {
    conn = await Deno.connect({ transport: "unix", path });
  } catch (cause) {
    throw new NotTaken(`no daemon at ${path}`, { cause });
  }
  let written: Promise<unknown> = Promise.resolve();
  const wire: BridgeWire = {
    async send(text) {
      const sent = written.then(() => writeAll(conn, utf8.encode(`${text}\n`)));
      written = sent.catch(() => {}); // Told to whoever sent it; the next one finds out by itself.
      await sent;
    },
    close() {
      try {
        conn.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error; // Closed before.
      }
    },
  };
  void readLines(conn, listener).finally(() => {
    wire.close();
    listener.onEnd();
  });
  await wire.send(JSON.stringify({ aichaku: { server, project } }));
  return wire;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    try {
      at += await conn.write(bytes.subarray(at));
    } catch (cause) {
      // A line without its end is no message, so long as it is cut somewhere before it.
      if (at < bytes.length - 1) throw new NotTaken("the daemon is gone", { cause });
      return;
    }
  }
}

async function readLines(conn: Deno.Conn, listener: WireListener): Promise<void> {
  const lines = new LineSplitter((line) => listener.onText(line), {
    maxLength: MAX_TEXT,
    // Whoever waits for it is told that the connection is lost.
    onOversize: () => conn.close(),
  });
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      lines.push(buffer.subarray(0, count));
    }
  } catch {
    // Broken, or closed here: its end, either way.
  }
}

async function openWebSocket(
  { url, token, server, project }: WireTarget,
  listener: WireListener,
): Promise<BridgeWire> {
  const address = new URL(server === undefined ? "/ws" : `/mcp/${server}/ws`, url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  if (project !== undefined) address.searchParams.set("project", project);
  const protocols = token === undefined ? ["mcp"] : ["mcp", `aichaku.token.${token}`];
  const socket = new WebSocket(address, protocols);
  const opened = Promise.withResolvers<void>();
  let isOpen = false;
  socket.onopen = () => {
    isOpen = true;
    opened.resolve();
  };
  socket.onmessage = ({ data }) => listener.onText(String(data));
  // `close` follows, and says the same.
  socket.onerror = () => opened.reject(new NotTaken(`no daemon at ${address.origin}`));
  socket.onclose = () => {
    opened.reject(new NotTaken(`no daemon at ${address.origin}`));
    if (isOpen) listener.onEnd();
  };
  await opened.promise;
  return {
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) {
        return Promise.reject(new NotTaken("the daemon is gone"));
      }
      socket.send(text);
      return Promise.resolve();
    },
    close: () => socket.close(),
  };
}
