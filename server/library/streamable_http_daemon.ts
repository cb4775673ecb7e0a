/**
 * One HTTP server for many processes: the first that starts serves, the others use it, and it ends with
 * its last user.
 *
 * @module
 */

import { systemClock } from "../../platform/clock.ts";
import { machineId } from "../../platform/machine_id.ts";
import { DaemonProblem } from "../daemon/problem.ts";
import {
  type FetchApp,
  type FetchHandler,
  knowApp,
  type KnownApp,
  type NodeListener,
} from "./app.ts";
import { endAtSignals } from "./end_at_signals.ts";
import {
  type FullOptions,
  fullOptions,
  type StartOptions,
  type StopOptions,
  type StreamableHttpDaemonOptions,
} from "./options.ts";
import { servicePaths } from "./paths.ts";
import { pause } from "./pause.ts";
import { type Report, stderrReport } from "./report.ts";
import type { DaemonInfo, DaemonStart, Over, Role } from "./role.ts";
import { takePart } from "./take_part.ts";

type State =
  | { kind: "idle" }
  | { kind: "starting"; abort: AbortController; result: Promise<DaemonStart> }
  | { kind: "taking part"; role: Role }
  /** The server is gone, and the next one is looked for. */
  | { kind: "seeking"; abort: AbortController };

/** Milliseconds between two attempts to find the next server when there is something wrong. */
const SEEK_AGAIN_MS = 1_000;

/**
 * A server that is shared by every process that starts it.
 *
 * ```ts
 * const daemon = new StreamableHttpDaemon({ port: 7200, daemonDir: "/home/me/.my-tool" });
 * const { isMainProcess, info } = await daemon.start(app);
 * ```
 */
export class StreamableHttpDaemon implements AsyncDisposable {
  readonly #options: FullOptions;
  readonly #report: Report;
  #state: State = { kind: "idle" };
  #signals: Disposable | undefined;
  #lost = Promise.withResolvers<string>();
  #ended = Promise.withResolvers<void>();

  /** @throws {TypeError} when an option cannot be used. */
  constructor(options: StreamableHttpDaemonOptions) {
    this.#options = fullOptions(options);
    this.#report = stderrReport(this.#options.debug);
    this.#ended.resolve();
  }

  /**
   * Serves `app`, or registers with the process that serves already. From then on this process counts
   * as a user of the server, until `release()`, `stop()` or its end, however it ends; and it does not
   * end by itself.
   *
   * A second call answers the same with the present count. After a loss it takes part in the election.
   *
   * @throws {TypeError} when the kind of `app` is not certain.
   * @throws {DaemonProblem} when the port belongs to another program, the daemon hangs, or the folder
   * cannot be used.
   */
  start(
    app: NodeListener,
    options: StartOptions<"node"> & { kind: "node" },
  ): Promise<DaemonStart>;
  start(app: FetchApp | FetchHandler, options?: StartOptions<"fetch">): Promise<DaemonStart>;
  start(app: NodeListener, options?: StartOptions<"node">): Promise<DaemonStart>;
  async start(
    app: FetchApp | FetchHandler | NodeListener,
    { kind, deadlineMs = 30_000 }: StartOptions = {},
  ): Promise<DaemonStart> {
    const known = knowApp(app, kind);
    for (;;) {
      const state = this.#state;
      if (state.kind === "starting") return state.result;
      if (state.kind !== "taking part") return this.#begin(known, deadlineMs);
      const { role } = state;
      if (role.hold()) return startOf(role, await role.info());
      // It is just ending: the state has changed when that is over.
      await role.over;
    }
  }

  /** Whether this process serves now. */
  get isMainProcess(): boolean {
    return this.#state.kind === "taking part" && this.#state.role.isMainProcess;
  }

  /** Base URL of the server, without a slash at the end; undefined when this process has no part. */
  get url(): string | undefined {
    return this.#state.kind === "taking part" ? this.#state.role.url : undefined;
  }

  /**
   * The server as it is now.
   *
   * @throws {DaemonProblem} when this process has no part in one, or when it does not answer.
   */
  async info(): Promise<DaemonInfo> {
    if (this.#state.kind !== "taking part") {
      throw new DaemonProblem(
        "Cannot ask the daemon: this process has no part in one. Call start() first.",
      );
    }
    return await this.#state.role.info();
  }

  /** Resolves with the reason at the next loss of the server. */
  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  /**
   * Resolves when this process has no part any more: it neither uses the server nor serves it, and does
   * not look for another.
   */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Says that this process uses the server no more. Where it serves, it goes on doing so until the
   * last of the others is gone. Resolves when that is known to the server, without waiting for others.
   */
  async release(): Promise<void> {
    switch (this.#state.kind) {
      case "idle":
        return;
      case "starting":
      case "seeking":
        this.#state.abort.abort(
          new Error("The start was given up: release() or stop() was called"),
        );
        return await this.#ended.promise;
      case "taking part":
        return await this.#state.role.release();
    }
  }

  /**
   * Releases, and waits until this process has no part any more: where it serves, until the last of
   * the others is gone, or at once with `force`.
   */
  async stop({ force = false }: StopOptions = {}): Promise<void> {
    if (force && this.#state.kind === "taking part") await this.#state.role.end("it was stopped");
    else await this.release();
    await this.#ended.promise;
  }

  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #begin(app: KnownApp, deadlineMs: number): Promise<DaemonStart> {
    if (this.#state.kind === "seeking") this.#state.abort.abort();
    else this.#ended = Promise.withResolvers();
    const abort = new AbortController();
    const result = this.#takePart(app, { mayServe: true, deadlineMs, signal: abort.signal });
    this.#state = { kind: "starting", abort, result };
    result.catch(() => this.#idle());
    return result;
  }

  async #takePart(
    app: KnownApp,
    { signal, ...how }: { mayServe: boolean; deadlineMs: number; signal: AbortSignal },
  ): Promise<DaemonStart> {
    const { daemonDir, port, host, handleSignals } = this.#options;
    const role = await takePart({
      ...how,
      signal,
      app,
      host,
      port,
      paths: servicePaths({ daemonDir, port, machine: machineId() }),
      clock: systemClock,
      report: this.#report,
      random: Math.random,
    });
    if (signal.aborted) {
      await role.end("it was stopped");
      throw signal.reason;
    }
    if (handleSignals) this.#signals ??= endAtSignals((signal) => this.#endAt(signal));
    this.#state = { kind: "taking part", role };
    role.over.then((over) => this.#onOver(app, over));
    return startOf(role, role.atStart);
  }

  #onOver(app: KnownApp, { lost, reason }: Over): void {
    if (!lost) return this.#idle();
    this.#report.debug(`lost the server: ${reason}`);
    if (this.#options.whenLost === "leave") this.#idle();
    else {
      const abort = new AbortController();
      this.#state = { kind: "seeking", abort };
      this.#seek(app, abort);
    }
    const { resolve } = this.#lost;
    this.#lost = Promise.withResolvers();
    resolve(reason);
    this.#options.onLost(reason);
  }

  /** Looks for the next server until there is one, or until it is given up. */
  async #seek(app: KnownApp, abort: AbortController): Promise<void> {
    const { signal } = abort;
    const mayServe = this.#options.whenLost === "takeOver";
    let found: DaemonStart | undefined;
    while (found === undefined && !signal.aborted) {
      try {
        found = await this.#takePart(app, { mayServe, deadlineMs: 30_000, signal });
      } catch (error) {
        // Whatever is wrong now (nobody serves, a full disk, a hung server) may be mended later.
        if (!signal.aborted) this.#report.debug(String(error));
        await pause(systemClock, SEEK_AGAIN_MS, signal);
      }
    }
    if (found !== undefined) this.#options.onRejoined(found);
    // When a start() ended the search, the state is the start's.
    else if (this.#state.kind === "seeking" && this.#state.abort === abort) this.#idle();
  }

  #idle(): void {
    this.#state = { kind: "idle" };
    this.#signals?.[Symbol.dispose]();
    this.#signals = undefined;
    this.#ended.resolve();
  }

  async #endAt(signal: string): Promise<void> {
    this.#report.debug(`${signal}: ending`);
    await this.stop({ force: true });
  }
}

function startOf({ isMainProcess }: Role, info: DaemonInfo): DaemonStart {
  return { isMainProcess, info };
}
