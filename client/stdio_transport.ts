/**
 * MCP over the stdio of a process that belongs to this client alone.
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
import { type LineEnds, LineSplitter } from "../protocol/ndjson.ts";
import { Answering, type ServerRequest } from "./answering.ts";
import { AichakuError, excerpt, faultError, messageOf } from "./errors.ts";
import { type Agreement, readAgreement } from "./handshake.ts";
import { type JsonObject, notificationText, readIncoming, requestText } from "./jsonrpc.ts";
import { onAbort } from "./on_abort.ts";
import type { Peer, ServerNotification } from "./peer.ts";
import { raceSignal } from "./scope.ts";
import type { ProcessExit, SpawnedProcess } from "./spawned_process.ts";
import {
  NotSent,
  type Progress,
  readProgress,
  type ServerInfo,
  type Transport,
  type TransportRequestOptions,
} from "./transport.ts";

/** Options of {@linkcode openStdioTransport}. */
export interface StdioTransportOptions {
  /** Owned by the transport from now on: it is ended when opening fails, too. */
  process: SpawnedProcess;
  /** Name of the server, for errors. */
  server: string;
  /** Whose connection it is. */
  peer: Peer;
  /** Ends the opening. */
  signal: AbortSignal;
  /** Milliseconds from stdin EOF to SIGTERM. @default {2000} */
  eofGraceMs?: number;
  /** Milliseconds from SIGTERM to SIGKILL. @default {2000} */
  termGraceMs?: number;
  /** Told when a failed opening has ended the process, so that somebody can wait for it. */
  onCleanup?: (cleanup: Promise<void>) => void;
}

/** Longest line from a server, in characters. */
const MAX_LINE_LENGTH = 64 * 1024 * 1024;
/** Milliseconds for what a dead process left in its pipes. */
const LAST_WORDS_MS = 500;
/** Milliseconds in which a process that got SIGKILL must be gone. */
const KILL_WAIT_MS = 2000;

/**
 * Initializes a connection over a started process.
 *
 * @throws {AichakuError} `upstream_unavailable` when the process ends or refuses; else the signal's
 * reason.
 */
export async function openStdioTransport(options: StdioTransportOptions): Promise<Transport> {
  const transport = new StdioTransport(options);
  try {
    await transport.initialize(options.signal);
    return transport;
  } catch (error) {
    const closed = transport.close();
    if (options.onCleanup === undefined) await closed;
    else options.onCleanup(closed);
    throw error;
  }
}

interface Call {
  method: string;
  resolve(result: JsonObject): void;
  reject(error: unknown): void;
  onProgress: ((progress: Progress) => void) | undefined;
}

class StdioTransport implements Transport {
  readonly #options: StdioTransportOptions;
  readonly #process: SpawnedProcess;
  readonly #stderr = new Tail();
  readonly #calls = new Map<number, Call>();
  readonly #finished: Promise<void>;
  readonly #answering: Answering;
  #agreement: Agreement | undefined;
  #nextId = 1;
  /** Set once nothing can be asked any more: what new calls are told. */
  #end: AichakuError | undefined;
  #closing: Promise<void> | undefined;
  /** Requests, notifications and a close under way: the own process must stay for them. */
  #holds = 0;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
    this.#process = options.process;
    this.#answering = new Answering(options.peer, async (text) => void await this.#send(text));
    this.#process.unref?.();
    this.#finished = this.#run();
  }

  get serverInfo(): ServerInfo {
    return this.#agreement!.serverInfo; // A transport is handed out only after `initialize`.
  }

  get initializeResult(): JsonObject {
    return this.#agreement!.result;
  }

  get sessionId(): undefined {
    return undefined;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  async initialize(signal: AbortSignal): Promise<void> {
    const { introduction } = this.#options.peer;
    const result = await this.request("initialize", introduction, { signal })
      .catch((error) => {
        // The process can be gone before the first word.
        throw error instanceof NotSent ? error.error : error;
      });
    this.#agreement = readAgreement(result, this.#options.server);
    await this.notify("notifications/initialized", undefined, signal);
  }

  request(
    method: string,
    params: JsonObject | undefined,
    { signal, onProgress }: TransportRequestOptions,
  ): Promise<JsonObject> {
    if (this.#end !== undefined) return Promise.reject(new NotSent(this.#end));
    if (signal.aborted) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    const release = this.#hold();
    return new Promise<JsonObject>((resolve, reject) => {
      const stop = onAbort(signal, () => {
        this.#calls.get(id)?.reject(signal.reason);
        // The specification forbids to cancel `initialize`; the process is ended instead.
        if (method === "initialize") return;
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
        method,
        onProgress,
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

  async notify(
    method: string,
    params: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#end !== undefined) throw new NotSent(this.#end);
    const taken = await raceSignal(this.#send(notificationText(method, params)), signal);
    if (taken) return;
    const { server } = this.#options;
    throw new AichakuError(
      "connection_lost",
      `Cannot send ${method} to server ${JSON.stringify(server)}: it closed its stdin`,
    );
  }

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
    const error = this.#agreement === undefined
      ? faultError("rpc", {
        reason: "upstream_unavailable",
        message: `Cannot start server ${JSON.stringify(server)}: it ${how} before it was ready`,
        details,
      })
      : faultError("rpc", {
        reason: "upstream_exited",
        message: `Server ${JSON.stringify(server)} ${how} with this call in flight; whether the ` +
          `call took effect is not known`,
        details,
      });
    this.#stop(error);
    this.#process.unref?.();
  }

  /** No more calls; those in flight are told why. */
  #stop(error: AichakuError): void {
    this.#end ??= error;
    for (const call of [...this.#calls.values()]) call.reject(error);
    this.#answering.end(error);
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
    // The handler may have nothing else that keeps the process alive.
    const release = this.#hold();
    void this.#answering.take(request).finally(release);
  }

  #onNotification({ method, params }: ServerNotification): void {
    if (method === "notifications/cancelled") return this.#answering.cancel(params);
    if (method !== "notifications/progress") {
      return this.#options.peer.onNotification({ method, params });
    }
    this.#calls.get(Number(params.progressToken))?.onProgress?.(readProgress(params));
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

/** Lines kept of stderr, and shown in an error. */
const KEPT_LINES = 20;
/** Longest line kept, in characters; the rest of it is dropped. */
const MAX_STDERR_LINE = 8 * 1024;

/** The last lines of a stream of text. */
class Tail {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #pending = "";

  push(chunk: Uint8Array): void {
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#pending = lines.pop()!.slice(0, MAX_STDERR_LINE);
    for (const line of lines) this.take(line);
  }

  take(line: string): void {
    const text = line.slice(0, MAX_STDERR_LINE).trimEnd();
    if (text !== "" && this.#lines.push(text) > KEPT_LINES) this.#lines.shift();
  }

  /** Oldest first; what has no line end yet included. */
  get text(): string {
    return [...this.#lines, ...(this.#pending.trim() === "" ? [] : [this.#pending])].join("\n");
  }
}
