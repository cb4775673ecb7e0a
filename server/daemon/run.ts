/**
 * A daemon's life from the lock to the end: take `daemon.lock`, read the configuration, open the port,
 * make the application, publish; then wait to be asked to stop, drain, take everything back, return.
 *
 * Guarantees: at most one process per home and machine gets past the lock; nothing is published that
 * does not answer; whatever fails on the way leaves no announcement and no held lock. Does not end the
 * process: the caller exits when this returns.
 *
 * @module
 */

import { join } from "@std/path";
import { readIfThere, removeIfThere } from "../../platform/atomic_file.ts";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { garbageCollector } from "../../platform/collect_garbage.ts";
import type { HomePaths } from "../../platform/paths.ts";
import type { loginShellVariables } from "../../platform/login_shell.ts";
import { pause } from "../../platform/pause.ts";
import { processStartTime } from "../../platform/process.ts";
import { measureTrees } from "../../platform/process_tree.ts";
import type { SelfCommand } from "../../platform/self.ts";
import { onSignals, terminationSignals } from "../../platform/signals.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { DAEMON_PROTOCOL, VERSION } from "../../protocol/version.ts";
import type { Config } from "../config/types.ts";
import { catalogFolder, openCatalogStore } from "../store/catalog_store.ts";
import { openSqliteSessionStore } from "../store/sqlite_session_store.ts";
import { openVerdictStore } from "../store/verdict_store.ts";
import {
  isPublished,
  publish,
  type PublishedAnnouncement,
  readAnnouncement,
  unpublish,
} from "./announce.ts";
import type { AppOptions, CreateApp, DaemonApp } from "./app.ts";
import { type ChildRegistry, createChildRegistry } from "./children.ts";
import { IdleEnd } from "./idle_end.ts";
import { prepareRunFolder } from "./launch.ts";
import { listen, type Listening } from "./listen.ts";
import { type ListeningLines, listenLines } from "./listen_lines.ts";
import { LiveConfig } from "./live_config.ts";
import { type HeldLock, tryLockFirmly } from "./lock.ts";
import type { Logger } from "./log.ts";
import { giveMemoryBack } from "./memory_rest.ts";
import { DaemonProblem, ElectionLost, fileSystemProblem } from "./problem.ts";
import { reap } from "./reap.ts";
import { startReaper } from "./reaper.ts";
import { needsRestart } from "./reload.ts";
import { watchSelf } from "./self_check.ts";
import { Shutdown } from "./shutdown.ts";
import { ensureToken, keepToken, readToken } from "./token.ts";

/** What a daemon is told. */
export interface RunOptions {
  paths: HomePaths;
  /** Configuration file; absolute. */
  configFile: string;
  /** What the command line or the environment says over the configuration. */
  given: { host?: string; port?: number; config: boolean };
  /** `AICHAKU_TOKEN`. */
  envToken?: string;
  /** The environment of this process: for `${VAR}` in the configuration, and for children. */
  variables: Readonly<Record<string, string>>;
  /** The user's home folder. */
  userHome: string;
  self: SelfCommand;
  log: Logger;
  /** Has no terminal: SIGHUP reloads the configuration instead of ending it. */
  detached: boolean;
  /** Was started for a client, not by a person: ends when nobody uses it. Default false. */
  autostarted?: boolean;
  /** Called once it answers and can be found. */
  onReady?(announcement: PublishedAnnouncement): void;
  /** Makes what is served. Default: `createApp` of `server/mod.ts`. */
  createApp?: CreateApp;
  /** Which program this is. Default: the one it is. */
  release?: Release;
  /** Default: {@linkcode processStartTime}. */
  startTimeOf?: typeof processStartTime;
  /** Starts what ends the children if this process is killed. Default: the real one. */
  startReaper?: typeof startReaper;
  /** Asks the user's login shell for its variables. Default: the real one. */
  askShell?: typeof loginShellVariables;
  clock?: Clock;
}

/** A program's version, and the revisions of the agreement with its clients that it speaks. */
export interface Release {
  version: string;
  protocol: { min: number; max: number };
}

const OWN_RELEASE: Release = { version: VERSION, protocol: DAEMON_PROTOCOL };

/** Milliseconds that running calls may take when the daemon is asked to stop. */
const GRACE_MS = 5_000;

/** The same when the next daemon is waited for. */
const HURRIED_GRACE_MS = 500;

/** Milliseconds that the whole drain may take; `--stop-server` waits 15 s. */
const DRAIN_LIMIT_MS = 10_000;

/** Milliseconds that connections may stay open after the drain. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Runs the daemon until it is asked to stop.
 *
 * @throws {ElectionLost} when another process is the daemon of this home.
 * @throws {DaemonProblem} or a `ConfigError` when it cannot start.
 */
export async function runDaemon(options: RunOptions): Promise<void> {
  const { paths, clock = systemClock } = options;
  prepareRunFolder(paths);
  try {
    using lock = await tryLockFirmly(paths.daemonLock, () => pause(clock, 30));
    if (lock === undefined) throw new ElectionLost(`${paths.daemonLock} is held`);
    await serve(options, lock);
  } catch (error) {
    throw fileSystemProblem(error, "Cannot run the daemon") ?? error;
  }
}

/** The part that only the holder of the lock may do. */
async function serve(options: RunOptions, lock: HeldLock): Promise<void> {
  const { paths, configFile, given, log, userHome, clock = systemClock } = options;
  const { version } = options.release ?? OWN_RELEASE;
  let children: ChildRegistry | undefined;
  await using live = await LiveConfig.load({
    file: configFile,
    required: given.config,
    override: { host: given.host, port: given.port },
    variables: options.variables,
    home: userHome,
    log,
    clock,
    askShell: options.askShell,
    children: {
      add: (pid) => children?.add(pid, "(login shell)"),
      remove: (pid) => children?.remove(pid),
    },
  });
  const config = live.initial;
  const token = ensureToken(paths.tokenFile, options.envToken);
  const createApp = options.createApp ?? (await import("../mod.ts")).createApp;
  const shutdown = new Shutdown();
  let hurry = false;
  const requestShutdown: AppOptions["requestShutdown"] = (reason, options) => {
    if (!shutdown.request(reason)) return;
    hurry = options?.hurry ?? false;
    log.info("stopping", { reason });
  };

  const announced = readAnnouncement(paths)?.instanceId;
  for (const { pid, server } of await reap({ path: paths.childrenJson, announced })) {
    log.warn("ended what a dead daemon left behind", { pid, server });
  }

  let answer: DaemonApp["fetch"] | undefined;
  const listening = await listen({
    ...config.server,
    configFile,
    predecessor: Number(readIfThere(paths.pidFile)),
    clock,
    // Set before control returns to the event loop that accepts the first connection: until then
    // nothing may be awaited.
    handler: (request, info) => answer!(request, info),
    onError: (error) => unexpected(log, error),
    // Without its stack, which Deno (2.9.6) needs files to tell: it panics where there are none.
    onLost: (error) =>
      log.error("the port is closed, and will be opened again", { why: String(error) }),
  });
  const announcement = announcementOf(options, { config, listening });
  const { instanceId } = announcement;
  const reaper = (options.startReaper ?? startReaper)({ instanceId, log });
  let lines: ListeningLines | undefined;
  try {
    children = createChildRegistry({
      instanceId,
      path: paths.childrenJson,
      reaper,
      log,
      isOurs: () => lock.isInPlace(),
    });
    const app = createApp({
      config,
      identity: {
        instanceId,
        version,
        token,
        address: listening.address,
        pid: Deno.pid,
        startedAt: Date.now(),
        homeFolder: userHome,
        selfCommand: {
          ...options.self,
          env: { AICHAKU_HOME: paths.home, AICHAKU_CONFIG: configFile },
        },
      },
      variables: options.variables,
      childVariables: () => live.childVariables(),
      log,
      children,
      sessionStore: openSqliteSessionStore({
        path: paths.sessionsDb,
        onReset: (reason) => log.warn("sessions of before are lost", { reason }),
      }),
      catalogs: openCatalogStore({
        folder: catalogFolder(paths.cacheDir),
        onProblem: (error) => log.warn("cannot keep what servers offer", { error }),
      }),
      verdicts: openVerdictStore({
        path: join(paths.cacheDir, "verdicts.json"),
        onProblem: (error) => log.warn("cannot keep what was learned about servers", { error }),
      }),
      measure: async (pids) => await measureTrees(pids) ?? new Map(),
      requestShutdown,
      requestReload: (reason) => live.requestReload(reason),
      configuration: () => live.status(),
    });
    answer = (request, info) => app.fetch(request, info);
    lines = app.serveLines && listenLines({
      ...config.server,
      path: paths.socket,
      configFile,
      serve: app.serveLines,
      log,
      clock,
    });
    announcement.socket = lines?.socket ?? null;
    announcement.tcp = lines?.tcp ?? null;
    using _signals = handleSignals(options, {
      requestShutdown,
      reload: (reason) => void live.requestReload(reason),
    });
    using _faults = logFaults(log);
    publish(paths, announcement);
    using idle = new IdleEnd({
      clock,
      autostarted: options.autostarted ?? false,
      activity: () => app.activity(),
      requestShutdown,
    });
    idle.set(config.server.idleTimeoutMs);
    let collect: (() => void) | undefined;
    using _rest = giveMemoryBack({
      clock,
      changes: () => app.activity().changes,
      resident: () => Deno.memoryUsage().rss,
      async collect() {
        collect ??= await garbageCollector();
        collect?.();
        return collect !== undefined;
      },
      onCollected: (before, after) => log.debug("collected garbage", { before, after }),
      onError: (error) => log.warn("cannot collect garbage", { error }),
    });
    using _self = watchSelf({
      clock,
      holdsLock: () => lock.isInPlace(),
      isAnnounced: () => isPublished(paths, announcement) && readToken(paths.tokenFile) === token,
      announce: () => {
        log.warn("written again: the announcement or the token was deleted or changed");
        keepToken(paths.tokenFile, token);
        publish(paths, announcement);
      },
      // In a hurry: whoever starts the next daemon wants this one's port.
      onLost: () => requestShutdown(`${paths.daemonLock} was deleted or replaced`, { hurry: true }),
      onError: (error) => log.error("cannot look after the run folder", { error }),
    });
    log.info("serving", {
      url: listening.url,
      socket: announcement.socket,
      tcp: announcement.tcp ?? undefined,
      pid: Deno.pid,
      version,
      config: configFile,
    });
    for (const warning of config.warnings) log.warn(warning);
    options.onReady?.(announcement);
    live.begin((next) => {
      if (app.reload === undefined) throw new DaemonProblem("This daemon cannot be reloaded");
      const { restart, ...report } = app.reload(next);
      idle.set(next.server.idleTimeoutMs);
      const needed = new Set([...restart, ...needsRestart(config.server, next.server)]);
      return { ...report, restart: [...needed] };
    });

    const reason = await shutdown.requested;
    await live[Symbol.asyncDispose]();
    const clean = await drain(app, { reason, hurry, log });
    // Otherwise the next start has to look after what is left, or has done so already.
    if (clean && lock.isInPlace()) removeIfThere(paths.childrenJson);
    shutdown.drained();
  } finally {
    // The socket is removed before the port is free: whoever waits for the port makes a new one.
    await Promise.all([lines?.close(CLOSE_GRACE_MS), listening.close(CLOSE_GRACE_MS)]);
    unpublish(paths, announcement);
    await reaper?.close();
  }
  log.info("stopped", { uptimeSeconds: Math.round(clock.now() / 1000) });
}

/**
 * Drains within a bound: a drain that fails or hangs does not keep the daemon alive.
 *
 * @returns whether everything was put away.
 */
async function drain(
  app: DaemonApp,
  { reason, hurry, log }: { reason: string; hurry: boolean; log: Logger },
): Promise<boolean> {
  const drained = (async () => {
    try {
      await app.drain({ reason, hurry, graceMs: hurry ? HURRIED_GRACE_MS : GRACE_MS });
      return true;
    } catch (error) {
      log.error("draining failed", { error });
      return false;
    }
  })();
  if (await settlesWithin(drained, DRAIN_LIMIT_MS)) return await drained;
  log.error(`draining took more than ${DRAIN_LIMIT_MS} ms; ending without it`);
  return false;
}

function announcementOf(
  options: RunOptions,
  { config, listening }: { config: Config; listening: Listening },
): PublishedAnnouncement {
  const { paths, configFile, given, autostarted = false } = options;
  const { release = OWN_RELEASE, startTimeOf = processStartTime } = options;
  const explicit: PublishedAnnouncement["settings"]["explicit"] = [];
  if (given.host !== undefined) explicit.push("host");
  if (given.port !== undefined) explicit.push("port");
  if (given.config) explicit.push("config");
  const { host, port, requireToken } = config.server;
  return {
    url: listening.url,
    socket: null,
    tcp: null,
    pid: Deno.pid,
    startTime: startTimeOf(Deno.pid),
    instanceId: crypto.randomUUID(),
    ...release,
    logPath: paths.logFile,
    settings: { host, port, config: configFile, explicit, requireToken, autostarted },
  };
}

function handleSignals(
  { detached }: RunOptions,
  { requestShutdown, reload }: Record<"requestShutdown" | "reload", (reason: string) => void>,
): Disposable {
  const stack = new DisposableStack();
  stack.use(onSignals(terminationSignals(), requestShutdown));
  // Its terminal went away. A detached daemon has none, and whoever sends it SIGHUP means "reload".
  stack.use(onSignals(["SIGHUP"], detached ? reload : requestShutdown));
  return stack;
}

/** One client's fault must not end the daemon for all: what nobody caught is logged. */
function logFaults(log: Logger): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: event.reason });
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log.error("uncaught error", { error: event.error });
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}

function unexpected(log: Logger, error: unknown): Response {
  log.error("request failed", { error });
  return Response.json({ error: "Internal error; the daemon's log says more." }, { status: 500 });
}
