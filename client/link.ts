/**
 * The one connection of a client, whoever asks for it first: made when it is needed, looked after while it
 * stands, and made anew when it is gone.
 *
 * Guarantees:
 * - Concurrent calls share one attempt to connect; a failed one is made anew by the next call, and one
 *   that nobody waits for any more is given up.
 * - What is sent is sent again only when it was certainly not executed.
 * - A connection that was silent for a while is asked whether it is still there before it is used.
 * - A daemon that went away is looked for again when somebody listens, with growing pauses.
 *
 * @module
 */

import { settlesWithin } from "../protocol/deadline.ts";
import { backoff } from "./backoff.ts";
import { connect, type Connection } from "./connect.ts";
import { AichakuError } from "./errors.ts";
import { findDaemon } from "./find_daemon.ts";
import { newMemory } from "./memory.ts";
import { onAbort } from "./on_abort.ts";
import type { ResolvedOptions } from "./options.ts";
import { quietDelay } from "./quiet.ts";
import { raceSignal, Scope } from "./scope.ts";
import { NotSent, type Transport } from "./transport.ts";

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

/** Options of {@linkcode Link.send}. */
export interface LinkSendOptions {
  /** Ends the wait and the request. */
  signal: AbortSignal;
  /** Told each time that a connection stands, before anything is sent. */
  onConnected(): void;
}

/** See the module. */
export class Link {
  readonly #options: ResolvedOptions;
  /** For messages: `server "sample"`. */
  readonly #subject: string;
  /** Fires when the client is closed. */
  readonly #closed = new AbortController();
  readonly #memory = newMemory();
  /** A daemon that went away is being looked for. */
  #isSearching = false;
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

  constructor(options: ResolvedOptions, subject: string) {
    this.#options = options;
    this.#subject = subject;
  }

  /** The connection that stands; undefined while there is none. */
  get connection(): Connection | undefined {
    const state = this.#state;
    return state.kind === "open" && !state.connection.transport.ended
      ? state.connection
      : undefined;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#state.kind === "closed";
  }

  /** Sends once; again over a new connection only when what was sent was certainly not executed. */
  async send<T>(
    send: (transport: Transport, signal: AbortSignal) => Promise<T>,
    { signal, onConnected }: LinkSendOptions,
  ): Promise<T> {
    for (let attempt = 1;; attempt++) {
      const { transport } = await this.connect(signal);
      onConnected();
      this.#inFlight++;
      try {
        const result = await send(transport, signal);
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

  /** The connection; made when there is none. @param signal Ends this wait, not the others'. */
  async connect(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    if (this.#state.kind === "closed") throw this.closedError();
    const connection = this.connection;
    if (connection !== undefined) {
      const isAlive = await raceSignal(this.#isAlive(connection), signal);
      // When it is not, time has passed: everything is looked at anew.
      return isAlive ? connection : await this.connect(signal);
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
      if (!isAlive && this.connection === connection) {
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
      memory: this.#memory,
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
        if (this.connection !== undefined) return;
        // Only a daemon: nobody asked for a process.
        const daemon = await findDaemon({ ...this.#options, signal: undefined });
        if (!daemon.found) continue;
        await this.connect(signal);
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

  /** Ends it, and whatever is being done for it. Bounded; never rejects. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#closed.abort();
    if (state.kind === "connecting") state.attempt.scope.abort(this.closedError());
    if (state.kind === "open") await state.connection.transport.close();
    // Bounded, because a spawn function of the caller's may never settle.
    await settlesWithin(this.#settled(), MAX_CLEANUP_MS);
  }

  /** Resolves when nothing runs in the background. What ends there may leave something to be ended. */
  async #settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** What is said to whoever asks for it after its end. */
  closedError(): AichakuError {
    const { signal } = this.#options;
    return new AichakuError(
      "closed",
      `Cannot ask ${this.#subject}: the client was closed; make a new one`,
      signal?.aborted ? { cause: signal.reason } : {},
    );
  }
}
