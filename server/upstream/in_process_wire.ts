/**
 * A server inside this process: what comes with the program, without a child. Lines go in and out as
 * they do with any other server, so that nothing above knows the difference.
 *
 * Guarantees: nothing is told before `send` has returned; messages keep their order both ways; the end
 * is told once, and nothing after it. Not guaranteed: protection from the server's code. It shares this
 * thread and this memory; work that takes long belongs in a worker of the server's own.
 *
 * @module
 */

import { settlesWithin } from "../../protocol/deadline.ts";
import { Backlog } from "./backlog.ts";
import type { CloseGrace, Wire, WireEvents } from "./wire.ts";

/**
 * The connection as the server sees it: the transport interface of the official SDK, as far as a single
 * channel needs it. The messages are parsed JSON.
 */
export interface InProcessTransport {
  // deno-lint-ignore no-explicit-any -- the SDK's own type of a message; only JSON passes here
  onmessage?: (message: any) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  start(): Promise<void>;
  send(message: unknown): Promise<void>;
  close(): Promise<void>;
}

/** A server that listens. */
export interface ConnectedServer {
  /** Ends it: what it still works on is given up. */
  close(): Promise<void>;
}

/** Loads a server and has it listen on `transport`. Rejects when that is impossible. */
export type ConnectInProcess = (transport: InProcessTransport) => Promise<ConnectedServer>;

/** What to run. */
export interface InProcessWireOptions {
  /** Called once, at once. What is sent before it has settled waits. */
  connect: ConnectInProcess;
  /** Longest message from the server, characters. */
  maxLineLength: number;
  /** Most that may wait while the server is being loaded, characters. */
  maxOwed: number;
  /** Told what the server's side reports beside its answers. */
  onError(message: string): void;
}

/** Characters of a dropped message that are kept at each end; as for a server on stdio. */
const KEPT = 200;

/** Connects. The server is loaded meanwhile, and the end is told when that fails. */
export function openInProcessWire(options: InProcessWireOptions, events: WireEvents): Wire {
  const inbox: string[] = [];
  const backlog = new Backlog({ maxOwed: options.maxOwed, onRoom: () => over || events.onRoom() });
  let delivering = false;
  const outbox: string[] = [];
  let listening = false;
  /** Nothing goes in any more. */
  let over = false;
  let closing: Promise<void> | undefined;
  const ended = Promise.withResolvers<void>();

  const transport: InProcessTransport = {
    start() {
      listening = true;
      deliver();
      return Promise.resolve();
    },
    send(message) {
      if (over) return Promise.reject(new Error("Cannot send: the connection is closed"));
      outbox.push(JSON.stringify(message));
      if (outbox.length === 1) queueMicrotask(flush);
      return Promise.resolve();
    },
    close() {
      finish("closed its connection");
      return Promise.resolve();
    },
  };
  // In its own turn: whoever opens must know the wire before it hears of its end.
  const connected = Promise.resolve().then(() => options.connect(transport));
  connected.catch((error) => finish(`could not be loaded: ${messageOf(error)}`));

  return {
    pid: undefined,
    get writable() {
      return !over;
    },
    get owed() {
      return backlog.owed;
    },
    get room() {
      return backlog.room;
    },
    send,
    close: (grace) => closing ??= close(grace),
  };

  function send(text: string): boolean {
    if (over || !backlog.takes(text.length)) return false;
    inbox.push(text);
    backlog.add(text.length);
    deliver();
    return true;
  }

  function deliver(): void {
    if (!listening || delivering || inbox.length === 0) return;
    delivering = true;
    queueMicrotask(() => {
      delivering = false;
      const texts = inbox.splice(0);
      backlog.done(backlog.owed);
      for (const text of texts) receive(text);
    });
  }

  function receive(text: string): void {
    if (over) return;
    try {
      transport.onmessage?.(JSON.parse(text));
    } catch (error) {
      // One message that the server chokes on must not take the others with it.
      options.onError(`a message was not taken: ${messageOf(error)}`);
    }
  }

  function flush(): void {
    for (const line of outbox.splice(0)) {
      if (line.length <= options.maxLineLength) events.onLine(line);
      else events.onOversizeLine({ head: line.slice(0, KEPT), tail: line.slice(-KEPT) });
    }
  }

  function finish(how: string): void {
    if (over) return;
    over = true;
    inbox.length = 0;
    backlog.clear();
    queueMicrotask(() => {
      // What the server said before its end comes before it.
      flush();
      events.onEnd({ how, stderr: "" });
      ended.resolve();
      transport.onclose?.();
    });
  }

  async function close({ eofMs }: CloseGrace): Promise<void> {
    finish("was stopped");
    await ended.promise;
    // A server that was never loaded, or does not end, is left to itself: nobody hears it any more.
    await settlesWithin(connected.then((server) => server.close()).catch(report), eofMs);
  }

  function report(error: unknown): void {
    options.onError(`the server did not end cleanly: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
