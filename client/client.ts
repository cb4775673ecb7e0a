/**
 * The client: one server (or all of them), reached over the daemon when it runs and over a process of
 * its own otherwise, without its user having to know.
 *
 * Guarantees:
 * - Nothing happens before the first call. Concurrent first calls share one attempt to connect; a
 *   failed one is made anew by the next call.
 * - Every call settles: with its result, or with an {@linkcode AichakuError}.
 * - A request is sent again only when it was certainly not executed: the connection was refused, the
 *   daemon no longer knew the session, or was stopping and said so. A daemon that restarts is waited for.
 *   A call in flight when the connection breaks is rejected; the next call connects anew.
 * - A client with handlers or `onNotification` whose daemon went away looks for it again by itself, with
 *   growing pauses.
 * - An idle client keeps no process alive, closed or not.
 *
 * @module
 */

import { settlesWithin } from "../protocol/deadline.ts";
import { backoff } from "./backoff.ts";
import { connect, type Connection } from "./connect.ts";
import { AichakuError, excerpt, messageOf } from "./errors.ts";
import { findDaemon } from "./find_daemon.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import {
  type ClientOptions,
  MAX_TIMER_MS,
  milliseconds,
  type Mode,
  PEER,
  type ResolvedOptions,
  resolveOptions,
} from "./options.ts";
import { onAbort } from "./on_abort.ts";
import { quietDelay } from "./quiet.ts";
import { raceSignal, Scope } from "./scope.ts";
import { SdkTransport } from "./sdk_transport.ts";
import { NotSent, type Progress, type ServerInfo, type Transport } from "./transport.ts";
import { type CallToolResult, readToolResult, readTools, type Tool } from "./tools.ts";

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call: the server is told, and the promise rejects with kind `aborted`. */
  signal?: AbortSignal;
  /**
   * Milliseconds from the moment the connection stands until the answer (of all pages of a list). Time
   * spent connecting is bounded by the client's `connectTimeoutMs`. Default: the client's `timeoutMs`.
   */
  timeoutMs?: number;
  /** Told what the server reports about this call. Throwing in it cancels the call. */
  onProgress?: (progress: Progress) => void;
}

/** A call that has not settled. */
interface Call {
  scope: Scope;
  timeoutMs: number;
}

/** One attempt to connect, shared by every call that waits for it. */
interface Attempt {
  scope: Scope;
  promise: Promise<Connection>;
  waiters: number;
}

type State =
  | { kind: "idle" }
  | { kind: "connecting"; attempt: Attempt }
  | { kind: "open"; connection: Connection }
  | { kind: "closed" };

/** Milliseconds for ending what a failed attempt left: longer than a process takes to be killed. */
const MAX_CLEANUP_MS = 7000;
/** Milliseconds of silence after which a daemon is asked whether it is still there. */
const SILENCE_MS = 1000;
/** Times that a request is sent, all but the last one certainly in vain. */
const MAX_ATTEMPTS = 4;
/** Pauses between two searches for a daemon that went away. */
const SEARCH_PAUSES = { firstMs: 200, maxMs: 30_000 };
/** Pages of one list, at most. */
const MAX_PAGES = 1000;

/**
 * A client of one MCP server, or of all servers of the daemon.
 *
 * ```ts
 * await using client = new AichakuClient({ server: "sample" });
 * const sum = await client.callTool("calculator", { operation: "add", a: 1, b: 2 });
 * ```
 */
export class AichakuClient {
  readonly #given: ClientOptions;
  readonly #options: ResolvedOptions;
  /** Fires when the client is closed. */
  readonly #closed = new AbortController();
  /** A daemon that went away is being looked for. */
  #isSearching = false;
  /** Calls that have not settled. */
  readonly #calls = new Set<Scope>();
  /** Bounded work that outlives the call it belongs to; awaited by `close()`. */
  readonly #background = new Set<Promise<void>>();
  #state: State = { kind: "idle" };
  /** Requests that were sent and not answered. */
  #inFlight = 0;
  /** When the server was last heard of, by `performance.now()`. */
  #lastAnswer = 0;
  /** The last connection was to a daemon: when it is gone, it is mostly being restarted. */
  #hadDaemon = false;
  #verifying: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;
  readonly #stopListening: () => void;

  /**
   * Does not connect yet.
   *
   * @throws {TypeError} when an option has no meaning; the message says what to change.
   * @throws {RangeError} when a duration is not a positive number of milliseconds.
   */
  constructor(options: ClientOptions = {}) {
    this.#given = options;
    this.#options = resolveOptions(options);
    this.#stopListening = onAbort(this.#options.signal, () => void this.close());
  }

  /** How the server is reached; undefined while there is no connection. */
  get mode(): Mode | undefined {
    return this.#connection?.mode;
  }

  /** What the server says of itself; undefined while there is no connection. */
  get serverInfo(): ServerInfo | undefined {
    return this.#connection?.transport.serverInfo;
  }

  /** What the server can do: `capabilities` of its answer to `initialize`; undefined without a connection. */
  get serverCapabilities(): JsonObject | undefined {
    const capabilities = this.#connection?.transport.initializeResult.capabilities;
    return isObject(capabilities) ? capabilities : undefined;
  }

  /** The server's whole answer to `initialize`; undefined while there is no connection. */
  get initializeResult(): JsonObject | undefined {
    return this.#connection?.transport.initializeResult;
  }

  /** The daemon's session; undefined while there is none. */
  get sessionId(): string | undefined {
    return this.#connection?.transport.sessionId;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#state.kind === "closed";
  }

  /**
   * Connects now instead of at the first call; does nothing when a connection stands.
   *
   * @throws {AichakuError}
   */
  connect(options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    return this.#scoped(
      `connect to ${this.#subject}`,
      options,
      async ({ scope }) => void await this.#connect(scope.signal),
    );
  }

  /**
   * A transport for the official MCP SDK's `Client`: `await sdkClient.connect(client.transport())`. It has
   * a session of its own, reached with this client's options; handlers and capabilities are those of the
   * SDK's client. It is not closed with this client.
   */
  transport(): SdkTransport {
    const { handlers: _, capabilities: __, onNotification: ___, ...options } = this.#given;
    return new SdkTransport((peer) =>
      // The SDK's client has deadlines of its own, and says so when one has passed.
      new AichakuClient({ ...options, timeoutMs: MAX_TIMER_MS, ...{ [PEER]: peer } })
    );
  }

  /**
   * All tools, in the server's order; every page is fetched.
   *
   * @throws {AichakuError}
   */
  listTools(options: CallOptions = {}): Promise<Tool[]> {
    return this.#run(`list the tools of ${this.#subject}`, options, async (ask) => {
      const tools: Tool[] = [];
      const seen = new Set<unknown>();
      let cursor: unknown;
      do {
        const page = await ask("tools/list", cursor === undefined ? undefined : { cursor });
        tools.push(...readTools(page));
        cursor = page.nextCursor ?? undefined;
        if (seen.has(cursor) || seen.size >= MAX_PAGES) {
          throw new AichakuError(
            "protocol",
            `Cannot list the tools of ${this.#subject}: after ${seen.size + 1} pages it goes on ` +
              `with cursor ${excerpt(cursor)}, and would not end`,
          );
        }
        seen.add(cursor);
      } while (cursor !== undefined);
      return tools;
    });
  }

  /**
   * Calls a tool. A tool that failed gives a result with `isError: true`; only a call that could not be
   * made, or was not answered, throws.
   *
   * @throws {AichakuError}
   */
  callTool(
    name: string,
    args: JsonObject = {},
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    const action = `call tool ${JSON.stringify(name)} of ${this.#subject}`;
    return this.#run(
      action,
      options,
      async (ask) => readToolResult(await ask("tools/call", { name, arguments: args }), action),
    );
  }

  /**
   * Sends any request and gives its result as it came.
   *
   * @throws {AichakuError}
   */
  request(method: string, params?: JsonObject, options: CallOptions = {}): Promise<JsonObject> {
    return this.#run(
      `ask ${method} of ${this.#subject}`,
      options,
      (ask) => ask(method, params),
    );
  }

  /**
   * Sends a notification. Resolves when it is on its way; nobody answers it.
   *
   * @throws {AichakuError}
   */
  notify(
    method: string,
    params?: JsonObject,
    options: Omit<CallOptions, "onProgress"> = {},
  ): Promise<void> {
    return this.#scoped(
      `send ${method} to ${this.#subject}`,
      options,
      (call) => this.#send(call, (transport, signal) => transport.notify(method, params, signal)),
    );
  }

  /**
   * Ends the connection: calls in flight reject with kind `closed`, the daemon's session is deleted, a
   * process of its own is ended. Bounded (about a second; a process that will not end takes up to six);
   * never rejects. A second call waits for the first.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** {@linkcode close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #subject(): string {
    const { server } = this.#options;
    return server === undefined ? "all servers" : `server ${JSON.stringify(server)}`;
  }

  get #connection(): Connection | undefined {
    const state = this.#state;
    return state.kind === "open" && !state.connection.transport.ended
      ? state.connection
      : undefined;
  }

  /** Runs a call of one or more requests. */
  #run<T>(
    action: string,
    options: CallOptions,
    work: (ask: (method: string, params?: JsonObject) => Promise<JsonObject>) => Promise<T>,
  ): Promise<T> {
    return this.#scoped(action, options, (call) => {
      const { scope } = call;
      const onProgress = options.onProgress && guarded(options.onProgress, { action, scope });
      return work((method, params) =>
        this.#send(
          call,
          (transport, signal) => transport.request(method, params, { signal, onProgress }),
        )
      );
    });
  }

  /** Whatever is sent within `work` shares one signal and one deadline. */
  async #scoped<T>(
    action: string,
    options: CallOptions,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = milliseconds("timeoutMs", options.timeoutMs, this.#options.timeoutMs);
    const scope = new Scope(action, options.signal);
    this.#calls.add(scope);
    try {
      return await work({ scope, timeoutMs });
    } finally {
      this.#calls.delete(scope);
      scope.end();
    }
  }

  /** Sends once; again over a new connection only when what was sent was certainly not executed. */
  async #send<T>(
    { scope, timeoutMs }: Call,
    send: (transport: Transport, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1;; attempt++) {
      const { transport } = await this.#connect(scope.signal);
      scope.setDeadline(timeoutMs, "raise timeoutMs if the server is just slow");
      this.#inFlight++;
      try {
        const result = await send(transport, scope.signal);
        this.#lastAnswer = performance.now();
        return result;
      } catch (error) {
        if (!(error instanceof NotSent)) throw error;
        if (attempt === MAX_ATTEMPTS) throw error.error;
      } finally {
        this.#inFlight--;
      }
    }
  }

  /** The connection; made when there is none. The signal ends this wait, not the others'. */
  async #connect(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    if (this.#state.kind === "closed") throw this.#closedError();
    const connection = this.#connection;
    if (connection !== undefined) {
      const isAlive = await raceSignal(this.#isAlive(connection), signal);
      // When it is not, time has passed: everything is looked at anew.
      return isAlive ? connection : await this.#connect(signal);
    }
    const attempt = this.#state.kind === "connecting" ? this.#state.attempt : this.#startAttempt();
    attempt.waiters++;
    try {
      return await raceSignal(raceSignal(attempt.promise, attempt.scope.signal), signal);
    } finally {
      // Nobody waits any more: an attempt would only keep the process alive.
      if (--attempt.waiters === 0 && this.#isCurrent(attempt)) {
        attempt.scope.abort(new AichakuError("aborted", "Cannot connect: every caller has left"));
      }
    }
  }

  /**
   * Whether a connection can be used. One that was silent for a while is asked first: a call sent to a
   * daemon that hangs, or over a connection whose end was not noticed yet, would be lost; the question
   * is not.
   */
  #isAlive(connection: Connection): Promise<boolean> {
    const isFresh = this.#inFlight > 0 || performance.now() - this.#lastAnswer < SILENCE_MS;
    if (isFresh || connection.verify === undefined) return Promise.resolve(true);
    return this.#verifying ??= connection.verify().then((isAlive) => {
      if (!isAlive && this.#connection === connection) {
        this.#state = { kind: "idle" };
        this.#inBackground(connection.transport.close());
      }
      return isAlive;
    }).finally(() => this.#verifying = undefined);
  }

  #startAttempt(): Attempt {
    const { connectTimeoutMs } = this.#options;
    const scope = new Scope(`connect to ${this.#subject}`);
    const { signal } = scope;
    const promise = connect(this.#options, {
      signal,
      onCleanup: (cleanup) => this.#inBackground(cleanup),
      onDeaf: () => this.#search(),
      restarting: this.#hadDaemon,
    });
    const attempt: Attempt = { scope, promise, waiters: 0 };
    this.#state = { kind: "connecting", attempt };
    const onFailed = () => {
      if (this.#isCurrent(attempt)) this.#state = { kind: "idle" };
    };
    const stop = onAbort(signal, onFailed);
    scope.setDeadline(
      connectTimeoutMs,
      "raise connectTimeoutMs if the server is just slow to start",
    );
    const settled = promise.then((connection) => {
      // A connection that comes too late is nobody's: whoever waited was told so.
      if (!this.#isCurrent(attempt)) return connection.transport.close();
      this.#state = { kind: "open", connection };
      this.#hadDaemon = connection.mode === "daemon";
      this.#lastAnswer = performance.now();
    }, onFailed);
    this.#inBackground(settled.finally(() => {
      stop();
      scope.end();
    }));
    return attempt;
  }

  /** Looks for a daemon that went away, so that a client that listens hears again. */
  async #search(): Promise<void> {
    const { signal } = this.#closed;
    if (this.#isSearching) return;
    this.#isSearching = true;
    try {
      for (let failures = 1; !signal.aborted; failures++) {
        if (!(await quietDelay(backoff(failures, SEARCH_PAUSES), signal))) return;
        // A call was faster.
        if (this.#connection !== undefined) return;
        // Only a daemon: nobody asked for a process.
        const daemon = await findDaemon({ ...this.#options, signal: undefined });
        if (!daemon.found) continue;
        await this.#connect(signal);
        return;
      }
    } catch {
      // It went away again, or the client was closed: the next call tells whoever cares.
    } finally {
      this.#isSearching = false;
    }
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#state.kind === "connecting" && this.#state.attempt === attempt;
  }

  #inBackground(work: Promise<unknown>): void {
    const settled = work.then(() => {}, () => {}).finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  async #close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#closed.abort();
    this.#stopListening?.(); // Not set yet when the signal had fired before the constructor ran.
    const error = this.#closedError();
    for (const scope of this.#calls) scope.abort(error);
    if (state.kind === "connecting") state.attempt.scope.abort(error);
    if (state.kind === "open") await state.connection.transport.close();
    // Bounded, because a spawn function of the caller's may never settle.
    await settlesWithin(Promise.all(this.#background), MAX_CLEANUP_MS);
  }

  #closedError(): AichakuError {
    const { signal } = this.#options;
    return new AichakuError(
      "closed",
      `Cannot ask ${this.#subject}: the client was closed; make a new one`,
      signal?.aborted ? { cause: signal.reason } : {},
    );
  }
}

/** A progress callback that cancels its call when it throws, instead of breaking the transport. */
function guarded(
  onProgress: (progress: Progress) => void,
  { action, scope }: { action: string; scope: Scope },
): (progress: Progress) => void {
  return (progress) => {
    try {
      onProgress(progress);
    } catch (cause) {
      scope.abort(
        new AichakuError("aborted", `Cannot ${action}: onProgress threw (${messageOf(cause)})`, {
          cause,
        }),
      );
    }
  };
}
