/**
 * A process that belongs to this client alone, and messages to it and from it: what both eras of the
 * protocol have in common on stdio.
 *
 * Guarantees: every request is answered or rejected, also when the process dies (then with the last
 * lines of its stderr); stderr is always read; an idle process does not keep the own one alive, and
 * ends when the own one does, because its stdin ends. Closing is stdin EOF, then SIGTERM, then SIGKILL.
 *
 * Errors are those that the daemon reports for a process of its own.
 *
 * @module
 */

import { salvageAnswerId } from "../protocol/answer.ts";
import { settlesWithin } from "../protocol/deadline.ts";
import { META, metaOf } from "../protocol/modern.ts";
import { type LineEnds, LineSplitter } from "../protocol/ndjson.ts";
import type { ServerRequest } from "./answering.ts";
import { AichakuError, excerpt, faultError, messageOf } from "./errors.ts";
import { type JsonObject, notificationText, readIncoming, requestText } from "./jsonrpc.ts";
import { onAbort } from "./on_abort.ts";
import type { ServerNotification } from "./peer.ts";
import { raceSignal } from "./scope.ts";
import type { ProcessExit, SpawnedProcess } from "./spawned_process.ts";
import { StderrTail } from "./stderr_tail.ts";
import { NotSent, readProgress, type TransportRequestOptions } from "./transport.ts";

/** Options of {@linkcode StdioWire}. */
export interface StdioWireOptions {
  /** Owned by the wire from now on. */
  process: SpawnedProcess;
  /** Name of the server, for errors. */
  server: string;
  /** Milliseconds from stdin EOF to SIGTERM. @default {2000} */
  eofGraceMs?: number;
  /** Milliseconds from SIGTERM to SIGKILL. @default {2000} */
  termGraceMs?: number;
}

/** Who takes what the server says that is the answer to no request. */
export interface StdioReceiver {
  /** Resolves when it is dealt with; until then the own process stays. */
  onRequest(request: ServerRequest): Promise<void>;
  onNotification(notification: ServerNotification): void;
  /** Nothing can be asked any more. */
  onEnd(error: AichakuError): void;
}

/** Options of one request. */
export interface StdioRequestOptions extends TransportRequestOptions {
  /** The own process may end while this is unanswered. @default {false} */
  isQuiet?: boolean;
  /** Told what belongs to the subscription that this request is (2026-07-28). */
  onSubscribed?: (notification: ServerNotification) => void;
}

/** Longest line from a server, in characters. */
const MAX_LINE_LENGTH = 64 * 1024 * 1024;
/** Milliseconds for what a dead process left in its pipes. */
const LAST_WORDS_MS = 500;
/** Milliseconds in which a process that got SIGKILL must be gone. */
const KILL_WAIT_MS = 2000;
/** Requests that are given up without a word: `initialize` must not be cancelled, and what a server that
 * does not know `server/discover` makes of a cancellation is anybody's guess. */
const NOT_CANCELLED: ReadonlySet<string> = new Set(["initialize", "server/discover"]);

interface Call extends Pick<StdioRequestOptions, "onProgress" | "onSubscribed"> {
  resolve(result: JsonObject): void;
  reject(error: unknown): void;
}

/** See the module. */
export class StdioWire {
  readonly #options: StdioWireOptions;
  readonly #process: SpawnedProcess;
  readonly #stderr = new StderrTail();
  readonly #calls = new Map<number, Call>();
  readonly #finished: Promise<void>;
  #receiver: StdioReceiver | undefined;
  #isReady = false;
  #nextId = 1;
  /** Set once nothing can be asked any more: what new calls are told. */
  #end: AichakuError | undefined;
  #closing: Promise<void> | undefined;
  /** Requests, notifications and a close under way: the own process must stay for them. */
  #holds = 0;

  constructor(options: StdioWireOptions) {
    this.#options = options;
    this.#process = options.process;
    this.#process.unref?.();
    this.#finished = this.#run();
  }

  /** Name of the server, for errors. */
  get server(): string {
    return this.#options.server;
  }

  /** Why nothing can be asked any more; undefined while it can. */
  get ended(): AichakuError | undefined {
    return this.#end;
  }

  /** Everything but answers goes there from now on; before, it is dropped. */
  receiveWith(receiver: StdioReceiver): void {
    this.#receiver = receiver;
  }

  /** The server has introduced itself: an end is no failure to start any more. */
  becomeReady(): void {
    this.#isReady = true;
  }

  /** Asks. @throws {NotSent} when nothing can be asked. @throws {AichakuError} */
  request(
    method: string,
    params: JsonObject | undefined,
    { signal, onProgress, onSubscribed, isQuiet = false }: StdioRequestOptions,
  ): Promise<JsonObject> {
    if (this.#end !== undefined) return Promise.reject(new NotSent(this.#end));
    if (signal.aborted) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    const release = isQuiet ? () => {} : this.#hold();
    return new Promise<JsonObject>((resolve, reject) => {
      const stop = onAbort(signal, () => {
        this.#calls.get(id)?.reject(signal.reason);
        if (NOT_CANCELLED.has(method)) return;
        this.#send(notificationText("notifications/cancelled", {
          requestId: id,
          reason: messageOf(signal.reason),
        }));
      });
      const settle = () => {
        this.#calls.delete(id);
        stop();
        release();
      };
      this.#calls.set(id, {
        onProgress,
        onSubscribed,
        resolve(result) {
          settle();
          resolve(result);
        },
        reject(error) {
          settle();
          reject(error);
        },
      });
      this.#send(requestText(id, method, params, onProgress === undefined ? undefined : id));
    });
  }

  /** Tells. @throws as `request`. */
  async notify(
    method: string,
    params: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#end !== undefined) throw new NotSent(this.#end);
    const taken = await raceSignal(this.#send(notificationText(method, params)), signal);
    if (taken) return;
    throw new AichakuError(
      "connection_lost",
      `Cannot send ${method} to server ${JSON.stringify(this.server)}: it closed its stdin`,
    );
  }

  /** Sends a message as it is. Never rejects. */
  async send(text: string): Promise<void> {
    await this.#send(text);
  }

  /** Ends the process; calls in flight reject with `closed`. Bounded; never rejects. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Reads until the process has ended, then rejects what is still in flight. */
  async #run(): Promise<void> {
    const lines = new LineSplitter((line) => this.#onLine(line), {
      maxLength: MAX_LINE_LENGTH,
      onOversize: (ends) => this.#onOversize(ends),
    });
    const stdout = drain(this.#process.stdout, (chunk) => lines.push(chunk));
    const stderr = drain(this.#process.stderr, (chunk) => this.#stderr.push(chunk));
    const exit = this.#process.exit;
    // Without stdout there are no answers, so it is over although the process may not know.
    void stdout.then(async () => {
      if (!(await settlesWithin(exit, LAST_WORDS_MS))) this.#process.kill("SIGKILL");
    });
    const how = await exit.then(describeExit, (error) => `is out of sight (${messageOf(error)})`);
    await settlesWithin(Promise.all([stdout, stderr]), LAST_WORDS_MS);
    this.#onEnd(how);
  }

  #onEnd(how: string): void {
    const { server } = this.#options;
    const stderr = this.#stderr.text;
    const details = { server, detail: stderr === "" ? how : `${how}\n${stderr}` };
    // The texts are the daemon's own (server/upstream/instance.ts).
    const error = this.#isReady
      ? faultError("rpc", {
        reason: "upstream_exited",
        message: `Server ${JSON.stringify(server)} ${how} with this call in flight; whether the ` +
          `call took effect is not known`,
        details,
      })
      : faultError("rpc", {
        reason: "upstream_unavailable",
        message: `Cannot start server ${JSON.stringify(server)}: it ${how} before it was ready`,
        details,
      });
    this.#stop(error);
    this.#process.unref?.();
  }

  /** No more calls; those in flight are told why. */
  #stop(error: AichakuError): void {
    this.#end ??= error;
    for (const call of [...this.#calls.values()]) call.reject(error);
    this.#receiver?.onEnd(error);
  }

  async #close(): Promise<void> {
    const { server, eofGraceMs = 2000, termGraceMs = 2000 } = this.#options;
    this.#stop(
      new AichakuError("closed", `Cannot ask server ${JSON.stringify(server)}: it was closed`),
    );
    const release = this.#hold();
    try {
      // Not awaited: a process that does not read would hold the close for ever. A rejection means
      // that stdin is closed already.
      void Promise.resolve(this.#process.stdin.end()).catch(() => {});
      if (await settlesWithin(this.#finished, eofGraceMs)) return;
      this.#process.kill("SIGTERM");
      if (await settlesWithin(this.#finished, termGraceMs)) return;
      this.#process.kill("SIGKILL");
      await settlesWithin(this.#finished, KILL_WAIT_MS);
    } finally {
      release();
    }
  }

  /** Whether the message has been taken; never rejects. */
  async #send(text: string): Promise<boolean> {
    const release = this.#hold();
    try {
      await this.#process.stdin.write(`${text}\n`);
      return true;
    } catch {
      // It closed its stdin: it may still live, but nothing can be asked of it. Its end, which is
      // awaited in #run, rejects the calls.
      if (this.#end === undefined) this.#process.kill("SIGKILL");
      return false;
    } finally {
      release();
    }
  }

  /** Keeps the own process alive until the returned function is called. */
  #hold(): () => void {
    if (this.#holds++ === 0) this.#process.ref?.();
    return () => {
      if (--this.#holds === 0) this.#process.unref?.();
    };
  }

  #onLine(line: string): void {
    const message = readIncoming(line);
    switch (message.kind) {
      case "response":
        return this.#calls.get(message.id)?.resolve(message.result);
      case "error":
        if (message.id !== undefined) this.#calls.get(message.id)?.reject(message.error);
        return;
      case "request":
        return this.#onRequest(message);
      case "notification":
        return this.#onNotification(message);
      case "invalid":
        if (message.id !== undefined) return this.#onUnreadable(message.id, message.why);
        // Many servers log to stdout. If it matters, the error of their end shows it.
        return this.#stderr.take(`stdout: ${excerpt(line)}`);
    }
  }

  #onRequest(request: ServerRequest): void {
    if (this.#receiver === undefined) return;
    // The handler may have nothing else that keeps the process alive.
    const release = this.#hold();
    void this.#receiver.onRequest(request).finally(release);
  }

  #onNotification({ method, params }: ServerNotification): void {
    if (method === "notifications/progress") {
      this.#calls.get(Number(params.progressToken))?.onProgress?.(readProgress(params));
      return;
    }
    const subscription = metaOf(params)[META.subscriptionId];
    const onSubscribed = this.#calls.get(Number(subscription))?.onSubscribed;
    if (onSubscribed !== undefined) return onSubscribed({ method, params });
    this.#receiver?.onNotification({ method, params });
  }

  #onOversize({ head, tail }: LineEnds): void {
    const id = salvageAnswerId(head, tail);
    if (id !== undefined) this.#onUnreadable(id, "is longer than the limit");
  }

  #onUnreadable(id: number, why: string): void {
    const { server } = this.#options;
    const message = `The answer of server ${JSON.stringify(server)} ${why}`;
    this.#calls.get(id)?.reject(
      faultError("rpc", { reason: "upstream_invalid", message, details: { server } }),
    );
  }
}

/** Reads a stream to its end, however it ends: how the process ended is told by its exit. */
async function drain(
  stream: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  while (true) {
    const next = await chunks.next().catch(() => undefined);
    if (next === undefined || next.done) return;
    onChunk(next.value);
  }
}

function describeExit({ code, signal }: ProcessExit): string {
  return typeof signal === "string" ? `was ended by ${signal}` : `exited with code ${code}`;
}
