/**
 * From options to one initialized connection: the daemon when it runs and accepts, else a process.
 *
 * Guarantees: `auto` falls back to a process wherever the daemon is absent, stops answering or refuses
 * before the connection stands; nothing of a failed attempt is left behind; a daemon is started only
 * when `autoStart` asks for it.
 *
 * @module
 */

import { startDaemon } from "./auto_start.ts";
import { backoff } from "./backoff.ts";
import { builtinSpawn, isBuiltin } from "./defaults.ts";
import { AichakuError, faultError, messageOf } from "./errors.ts";
import { findDaemon, type FoundDaemon, type NoDaemon } from "./find_daemon.ts";
import { type HttpTransportOptions, openHttpTransport } from "./http_transport.ts";
import { type Memory, newMemory } from "./memory.ts";
import { onAbort } from "./on_abort.ts";
import type { Mode, ResolvedOptions } from "./options.ts";
import { delay, raceSignal } from "./scope.ts";
import { type SpawnedProcess, spawnProcess, type SpawnSpec } from "./spawned_process.ts";
import type { Transport } from "./transport.ts";

/** A connection, and how it was made. */
export interface Connection {
  mode: Mode;
  transport: Transport;
  /**
   * Whether the daemon is still there and the same; about a second at most. Absent for a process, whose
   * end is noticed by itself.
   */
  verify?(): Promise<boolean>;
}

/** What one attempt is given beside the options. */
export interface ConnectContext {
  /** Ends the attempt; its reason is thrown. */
  signal: AbortSignal;
  /** Told of work that goes on after a failed attempt (a process being ended). Bounded. */
  onCleanup(cleanup: Promise<void>): void;
  /** Told once when a peer that listens hears nothing over the connection any more. */
  onDeaf?(): void;
  /** What the client's connections before found out. Default: nothing. */
  memory?: Memory;
  /** A daemon was there a moment ago, and is mostly being restarted: wait for it. @default {false} */
  restarting?: boolean;
  /** Milliseconds between two looks at a daemon that keeps us waiting. @default {2000} */
  watchMs?: number;
  /** Milliseconds for each of these looks. @default {1000} */
  lookMs?: number;
  /**
   * Milliseconds that a process may take to say which era it speaks. Default: 5000, or a quarter of
   * `connectTimeoutMs` where that is less.
   */
  probeMs?: number;
}

/** Milliseconds that a daemon which was there may take to come back, before anything else is tried. */
const RESTART_MS = 3000;
/** Milliseconds for a look at the daemon; each look at a silent one is twice as long. */
const LOOK_MS = 1000;
/** Looks at a daemon that is silent, where there is nothing else to try: 15 seconds. */
const MAX_LOOKS = 4;
/** Milliseconds that a process may take to say which era it speaks, at most. */
const PROBE_MS = 5000;
/** Times that one attempt starts a daemon: one that ends at once is not started for ever. */
const MAX_STARTS = 3;
/** Looks in a row that a daemon may miss before it counts as hung. */
const MISSED_LOOKS = 2;

/**
 * Connects.
 *
 * @throws {AichakuError} `not_running` when there is nothing to connect to; otherwise why it failed.
 */
export async function connect(
  options: ResolvedOptions,
  context: ConnectContext,
): Promise<Connection> {
  if (options.mode === "spawn") return await connectToProcess(options, context);
  const begin = performance.now();
  let patience = context.restarting ? RESTART_MS : 0;
  let starts = 0;
  let failures = 0;
  let daemon: FoundDaemon | NoDaemon;
  let refusal: AichakuError;
  const hasFallback = options.mode !== "daemon" && processOf(options) !== undefined;
  while (true) {
    daemon = await findDaemon({ ...options, signal: context.signal });
    // With nothing else to try, a busy machine is worth waiting for.
    for (let looks = 1; !hasFallback && isSilent(daemon) && looks < MAX_LOOKS; looks++) {
      const deadlineMs = (context.lookMs ?? LOOK_MS) * 2 ** looks;
      daemon = await findDaemon({ ...options, deadlineMs, signal: context.signal });
    }
    try {
      if (daemon.found) return await connectToDaemon(daemon, options, context);
      refusal = notRunning(daemon.why, options);
      if (options.autoStart && starts++ < MAX_STARTS) {
        await startDaemon({ ...options, signal: context.signal });
        continue;
      }
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof AichakuError)) throw error;
      refusal = error;
      // It was there a moment ago.
      if (isBetweenLives(error)) patience = RESTART_MS;
    }
    const maySucceed = isBetweenLives(refusal) || refusal.kind === "not_running";
    if (!maySucceed || performance.now() - begin >= patience) break;
    await delay(backoff(++failures, { firstMs: 50, maxMs: 500 }), context.signal);
  }
  if (!hasFallback) throw refusal;
  try {
    return await connectToProcess(options, context);
  } catch (error) {
    if (!daemon.found || context.signal.aborted || !(error instanceof AichakuError)) throw error;
    const { kind, code, data, message } = error;
    throw new AichakuError(
      kind,
      `${message} (tried because the daemon refused: ${refusal.message})`,
      { code, data, cause: new AggregateError([refusal, error]) },
    );
  }
}

function isSilent(daemon: FoundDaemon | NoDaemon): boolean {
  return !daemon.found && daemon.isSilent === true;
}

/** Whether it says that a daemon was there, and is ending or has just ended. */
function isBetweenLives({ kind, reason }: AichakuError): boolean {
  return kind === "connection_lost" || reason === "draining";
}

async function connectToDaemon(
  daemon: FoundDaemon,
  options: ResolvedOptions,
  context: ConnectContext,
): Promise<Connection> {
  const controller = new AbortController();
  const stop = onAbort(context.signal, () => controller.abort(context.signal.reason));
  const watch = watchDaemon(daemon, options, { ...context, controller });
  try {
    const { server } = options;
    const transport = await openOverHttp(options, {
      memory: context.memory ?? newMemory(),
      endpoint: server === undefined ? `${daemon.url}/mcp` : `${daemon.url}/mcp/${server}`,
      token: daemon.token,
      server: nameOf(options),
      project: options.project,
      peer: options.peer,
      signal: controller.signal,
      onDeaf: context.onDeaf,
    });
    return {
      mode: "daemon",
      transport,
      async verify() {
        // Not under the options' signal: it closes the client, and closing does not wait for this.
        return isSame(await findDaemon({ ...options, signal: undefined }), daemon);
      },
    };
  } finally {
    stop();
    controller.abort();
    await watch;
  }
}

/** In the era that was asked for. Most calls to a daemon need not load what only the others need. */
async function openOverHttp(
  { daemonEra: era }: ResolvedOptions,
  options: HttpTransportOptions & { memory: Memory },
): Promise<Transport> {
  if (era === "legacy") return await openHttpTransport(options);
  const { openOverHttp } = await import("./open.ts");
  return await openOverHttp({ ...options, era });
}

/**
 * Tells a daemon that hangs from a server that is slow to start: the daemon is asked again and again
 * while the connection is being made. Resolves when the attempt is over.
 */
async function watchDaemon(
  daemon: FoundDaemon,
  options: ResolvedOptions,
  { controller, watchMs = 2000, lookMs }: ConnectContext & { controller: AbortController },
): Promise<void> {
  const { signal } = controller;
  let missed = 0;
  try {
    while (missed < MISSED_LOOKS) {
      await delay(watchMs, signal);
      const now = await findDaemon({ ...options, deadlineMs: lookMs, signal });
      missed = isSame(now, daemon) ? 0 : missed + 1;
    }
  } catch {
    return; // The attempt is over, one way or the other: the signal's reason has done its work.
  }
  controller.abort(notRunning(`the daemon at ${daemon.url} stopped answering`, options));
}

function isSame(now: FoundDaemon | NoDaemon, before: FoundDaemon): boolean {
  return now.found && now.url === before.url && now.instanceId === before.instanceId;
}

async function connectToProcess(
  options: ResolvedOptions,
  context: ConnectContext,
): Promise<Connection> {
  const spec = processOf(options);
  if (spec === undefined) throw nothingToSpawn(options);
  const memory = context.memory ?? newMemory();
  while (true) {
    const transport = await openProcess(spec, options, { ...context, memory });
    if (transport !== undefined) return { mode: "spawn", transport };
    // It ended at the question for its era: it is started once more, and not asked.
  }
}

/** @returns undefined when it ended at the question for its era. */
async function openProcess(
  spec: NonNullable<ResolvedOptions["spawn"]>,
  options: ResolvedOptions,
  { signal, onCleanup, memory, probeMs }: ConnectContext & { memory: Memory },
): Promise<Transport | undefined> {
  const { openOverStdio } = await import("./open.ts");
  const starting = start(spec, options);
  const open = (process: SpawnedProcess, onCleanupOfOpen?: ConnectContext["onCleanup"]) =>
    openOverStdio({
      process,
      server: nameOf(options),
      peer: options.spawnPeer,
      era: options.processEra,
      memory,
      probeMs: probeMs ?? Math.min(PROBE_MS, options.connectTimeoutMs / 4),
      signal,
      onCleanup: onCleanupOfOpen,
    });
  let process: SpawnedProcess;
  try {
    process = await raceSignal(starting, signal);
  } catch (error) {
    // A process that comes after all is taken over only to be ended: the signal has fired already.
    if (signal.aborted) onCleanup(starting.then((late) => open(late)).then(() => {}, () => {}));
    throw error;
  }
  return await open(process, onCleanup);
}

/** @throws {AichakuError} `upstream_unavailable` when there is no process to be had. */
async function start(
  given: NonNullable<ResolvedOptions["spawn"]>,
  options: ResolvedOptions,
): Promise<SpawnedProcess> {
  let what = "the spawn option";
  try {
    const { server, project } = options;
    const spec = typeof given === "function" ? await given({ server, project }) : given;
    if (!("command" in spec)) return spec;
    what = `the command ${JSON.stringify(spec.command)}`;
    return await spawnProcess(project === undefined ? spec : inProject(spec, project));
  } catch (cause) {
    throw faultError("rpc", {
      reason: "upstream_unavailable",
      message: `Cannot start server ${JSON.stringify(nameOf(options))}: ${what} cannot be run ` +
        `(${messageOf(cause)}); check the command, the folder and the PATH`,
      details: { server: options.server, detail: messageOf(cause), cause },
    });
  }
}

/** `${project}` replaced, as the daemon does with an entry of its configuration: never in the command. */
function inProject(spec: SpawnSpec, project: string): SpawnSpec {
  const expand = (text: string) => text.replaceAll("${project}", () => project);
  const env = Object.entries(spec.env ?? {}).map(([name, value]) => [name, expand(value)]);
  return {
    command: spec.command,
    args: (spec.args ?? []).map(expand),
    env: Object.fromEntries(env),
    cwd: spec.cwd === undefined ? undefined : expand(spec.cwd),
  };
}

function processOf(options: ResolvedOptions): SpawnSpec | ResolvedOptions["spawn"] {
  return options.spawn ?? builtinSpawn(options.server, options.home);
}

/** For messages. */
function nameOf({ server, spawn }: ResolvedOptions): string {
  if (server !== undefined) return server;
  return spawn !== undefined && "command" in spawn ? spawn.command : "aichaku";
}

function notRunning(why: string, options: ResolvedOptions): AichakuError {
  const advice = options.mode === "daemon" ? "" : `, ${spawnAdvice(options)}`;
  return new AichakuError(
    "not_running",
    `Cannot reach ${subject(options)}: no daemon (${why}); start it with ` +
      `"aichaku mcp --start-server"${advice}`,
  );
}

function nothingToSpawn(options: ResolvedOptions): AichakuError {
  return new AichakuError(
    "not_running",
    `Cannot spawn ${subject(options)}: no command is known for it; ${spawnAdvice(options)}`,
  );
}

function subject({ server }: ResolvedOptions): string {
  return server === undefined ? "the daemon's servers" : `server ${JSON.stringify(server)}`;
}

function spawnAdvice({ server }: ResolvedOptions): string {
  if (server === undefined) return "or name one server and give the option spawn";
  return isBuiltin(server)
    ? "set AICHAKU_BIN to the aichaku program, or give the option spawn"
    : "or give the option spawn";
}
