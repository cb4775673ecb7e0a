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

import { setImmediate } from "node:timers";
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
  /** Id of the session whose messages these are; over a socket only. Default: one of its own. */
  session?: string;
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
  { server, project, session }: WireTarget,
  { path, listener }: { path: string; listener: WireListener },
): Promise<BridgeWire> {
  let conn: Deno.UnixConn;
  try {
    conn = await Deno.connect({ transport: "unix", path });
  } catch (cause) {
    throw new NotTaken(`no daemon at ${path}`, { cause });
  }
  const writer = new Writer(conn);
  const wire: BridgeWire = {
    send: (text) => writer.send(text),
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
  await wire.send(JSON.stringify({ aichaku: { server, project, session } }));
  return wire;
}

/** Lines that go out in one write. */
class Batch {
  readonly lines: string[] = [];
  /** How many of them were taken, or may have been: those at the front. */
  taken = 0;
  readonly #written = Promise.withResolvers<void>();

  get written(): Promise<void> {
    return this.#written.promise;
  }

  async write(conn: Deno.Conn): Promise<void> {
    const bytes = utf8.encode(`${this.lines.join("\n")}\n`);
    let at = 0;
    try {
      while (at < bytes.length) at += await conn.write(bytes.subarray(at));
      this.taken = this.lines.length;
    } catch {
      this.taken = this.#takenOf(at); // Whoever sent the others is told.
    }
    this.#written.resolve();
  }

  #takenOf(written: number): number {
    let end = 0;
    // A line without its end is no message, so long as it is cut somewhere before it.
    const count = this.lines.findIndex((line) =>
      (end += utf8.encode(line).length + 1) - 1 > written
    );
    return count === -1 ? this.lines.length : count;
  }
}

/** Writes lines in order; those of one turn of the event loop, or of one write before, together. */
class Writer {
  readonly #conn: Deno.Conn;
  #batch: Batch | undefined;
  #isWriting = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** @throws {NotTaken} when the line certainly did not leave whole. */
  async send(text: string): Promise<void> {
    const batch = this.#batch ??= new Batch();
    const place = batch.lines.push(text);
    if (!this.#isWriting) {
      this.#isWriting = true;
      setImmediate(() => void this.#write());
    }
    await batch.written;
    if (place > batch.taken) throw new NotTaken("the daemon is gone");
  }

  async #write(): Promise<void> {
    for (let batch = this.#batch; batch !== undefined; batch = this.#batch) {
      this.#batch = undefined;
      await batch.write(this.#conn);
    }
    this.#isWriting = false;
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
