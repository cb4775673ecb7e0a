/**
 * The daemon's application: servers, sessions and routes put together. Who runs it, and how long, is
 * the business of `server/daemon/`.
 *
 * A request's way: `routes.ts` → `inbound/` → `exchange/` → `upstream/`, and its answer's way back.
 *
 * @module
 */

import { systemClock } from "../platform/clock.ts";
import { Fault } from "../protocol/errors.ts";
import { settlesWithin } from "../protocol/deadline.ts";
import type { AppOptions, DaemonApp, DrainOptions } from "./daemon/app.ts";
import { AggregateEndpoint } from "./exchange/aggregate_endpoint.ts";
import { Exchange } from "./exchange/exchange.ts";
import { memoryCatalogStore } from "./store/catalog_store.ts";
import { ServerEndpoint } from "./exchange/server_endpoint.ts";
import { Sessions } from "./exchange/sessions.ts";
import { AbsenceWatch } from "./inbound/absence.ts";
import { Connections } from "./inbound/connections.ts";
import type { InboundContext } from "./inbound/context.ts";
import type { GuardOptions } from "./inbound/guard.ts";
import { serveLines } from "./inbound/lines.ts";
import { LongAnswers } from "./inbound/long_answers.ts";
import { SilenceWatch } from "./inbound/replies.ts";
import { ResumableStreams } from "./inbound/resumable.ts";
import { createFront } from "./front.ts";
import { asConfigured } from "./config/project.ts";
import { connectBuiltin } from "./builtin/mod.ts";
import type { Config, Limits, ServerEntry, ServerSettings } from "./config/types.ts";
import type { ReloadReport } from "./daemon/app.ts";
import { Pool } from "./exchange/pool.ts";
import { onlyReads } from "./exchange/shared_instance.ts";
import { createInstance, type InstanceContext } from "./upstream/create_instance.ts";
import { instanceKey, serverKey } from "./upstream/instance_key.ts";
import { HURRIED, UNHURRIED } from "./upstream/wire.ts";

/** Makes the application. Nothing is started before the first request asks for it. */
export function createApp(options: AppOptions): DaemonApp {
  const { identity, log, requestShutdown } = options;
  let { config } = options;
  const clock = systemClock;
  // One object for all: a reload writes into it, and whoever looks at it finds the bounds of now.
  const limits: Limits = { ...config.server.limits };
  const { version } = identity;

  const servers = new Map<string, ServerEndpoint>();
  const catalogs = options.catalogs ?? memoryCatalogStore();
  const all = new AggregateEndpoint({
    servers,
    disabled: () => config.disabled,
    catalogs,
    version,
    clock,
    log,
  });
  let inherited: Readonly<Record<string, string>> = options.variables;
  const context: InstanceContext = {
    clock,
    random: Math.random,
    log,
    version,
    limits: () => limits,
    connectBuiltin: (name, project) =>
      connectBuiltin(name, {
        configFile: identity.selfCommand.env.AICHAKU_CONFIG,
        roots: config.server.projectRoots,
        project,
        worker: {
          ...identity.selfCommand,
          env: { ...identity.selfCommand.env, AICHAKU_INSTANCE: identity.instanceId },
          onSpawn: (pid) => options.children.add(pid, name),
          onExit: (pid) => options.children.remove(pid),
        },
      }),
    prepare: async () => {
      inherited = await options.childVariables?.() ?? inherited;
    },
    inherited: () => inherited,
    eras: {
      of: (entry) => options.verdicts.get(serverKey(asConfigured(entry)))?.era,
      learn(entry, era) {
        // The same server in every project: its folders would pile up in the file.
        const key = serverKey(asConfigured(entry));
        if (options.verdicts.get(key)?.era !== era) options.verdicts.add(key, { era });
      },
    },
    children: options.children,
    instanceId: identity.instanceId,
    homeFolder: identity.homeFolder,
    maxServerMessageBytes: limits.maxServerMessageBytes,
    maxOwed: 2 * limits.maxBodyBytes,
    maxQueued: 32 * limits.maxBodyBytes,
  };
  const pool = new Pool({
    clock,
    log,
    create: (spec, listener) => createInstance(spec, { ...context, listener }),
  });
  const endpointFor = (entry: ServerEntry) =>
    new ServerEndpoint({
      entry,
      pool,
      clock,
      log,
      listener: all,
      verdicts: options.verdicts,
      settings: () => ({
        projectRoots: config.server.projectRoots,
        maxInstances: limits.maxInstancesPerServer,
      }),
    });
  for (const entry of config.servers.values()) servers.set(entry.name, endpointFor(entry));

  const sessions = new Sessions({
    limits,
    clock,
    log,
    store: options.sessionStore,
    endpointOf: (server) => server === null ? all : servers.get(server),
  });
  const exchange = new Exchange(limits, log);
  const silence = new SilenceWatch(clock);
  const absence = new AbsenceWatch(clock);
  const connections = new Connections(limits);
  const resumable = new ResumableStreams({ clock, limits });
  const inbound: InboundContext = {
    clock,
    limits,
    log,
    silence,
    longAnswers: new LongAnswers({
      clock,
      maxLength: 4 * limits.maxServerMessageBytes,
      onCutOff: (length) => log.warn("a client did not read its answer; cut off", { length }),
    }),
    absence,
    exchange,
    sessions,
    connections,
    resumable,
    endpoint: (server) => server === undefined ? all : servers.get(server),
    serverNames: () => [...servers.keys()],
    disabledServers: () => config.disabled,
  };
  const guard: GuardOptions = { settings: config.server, token: identity.token };
  const front = createFront({
    inbound,
    guard,
    health: {
      identity,
      activeSessions: () => sessions.activeCount,
      serverStates: () =>
        Object.fromEntries([...servers].map(([name, { state }]) => [name, state])),
      get draining() {
        return exchange.refusal !== undefined;
      },
    },
    servers,
    measure: options.measure ?? (() => Promise.resolve(new Map())),
    requestShutdown,
    requestReload: options.requestReload,
    configuration: options.configuration,
  });

  return {
    fetch: front,
    serveLines: (conn, { needsToken }) =>
      serveLines(inbound, conn, { token: identity.token, required: needsToken }),
    activeSessions: () => sessions.activeCount,
    activity: () => ({
      held: sessions.activeCount + connections.silent,
      changes: sessions.changes,
    }),
    reload,
    drain,
  };

  /** Servers that mean the same keep running; the others end when their calls have. */
  function reload(next: Config): ReloadReport {
    const report: ReloadReport = {
      added: [],
      removed: [],
      changed: [],
      unchanged: [],
      restart: [],
    };
    config = next;
    goOver(next.server);
    for (const [name, endpoint] of [...servers]) {
      if (next.servers.has(name)) continue;
      servers.delete(name);
      report.removed.push(name);
      endpoint.remove().catch((error) => log.error("cannot end a removed server", { name, error }));
    }
    const before = new Map(servers);
    // In the order of the file: lists of all servers follow it.
    servers.clear();
    for (const entry of next.servers.values()) {
      const endpoint = before.get(entry.name);
      servers.set(entry.name, endpoint ?? endpointFor(entry));
      if (endpoint === undefined) report.added.push(entry.name);
      else if (isSame(endpoint.entry, entry)) report.unchanged.push(entry.name);
      else {
        report.changed.push(entry.name);
        endpoint.update(entry);
      }
    }
    if (report.added.length + report.removed.length + report.changed.length > 0) {
      all.onConfigChanged();
    }
    return report;
  }

  /** Settings that count from now on; `daemon/reload.ts` names those that do not. */
  function goOver({ limits: wanted, allowedHosts, allowedOrigins }: ServerSettings): void {
    guard.settings = { ...guard.settings, allowedHosts, allowedOrigins };
    const { maxServerMessageBytes } = limits;
    Object.assign(limits, wanted, { maxServerMessageBytes });
  }

  async function drain({ reason, graceMs, hurry }: DrainOptions): Promise<void> {
    exchange.drain(reason);
    await settlesWithin(allCallsSettled(), graceMs);
    const fault = new Fault(
      "draining",
      `The daemon stopped (${reason}) with this call in flight; whether it took effect is not known`,
      { retryable: false },
    );
    const readAgain = new Fault(
      "draining",
      `The daemon stopped (${reason}) with this call in flight; it only reads, so make it again`,
    );
    for (const session of sessions) {
      for (const call of [...session.calls.values()]) {
        if (onlyReads(call.method)) call.end(readAgain);
      }
    }
    const stopped = pool.stop(fault, hurry ? HURRIED : UNHURRIED);
    // Those that wait for several servers, or for none.
    for (const session of sessions) {
      for (const call of [...session.calls.values()]) call.end(fault);
    }
    silence[Symbol.dispose]();
    absence[Symbol.dispose]();
    resumable[Symbol.dispose]();
    await Promise.all([stopped, sessions.close(reason), catalogs.close()]);
    // Those whose clients have not begun a session.
    connections.close(reason);
  }

  async function allCallsSettled(): Promise<void> {
    const settled = Promise.withResolvers<void>();
    const look = () => {
      for (const session of sessions) {
        for (const call of session.calls.values()) {
          if (!call.isEndless) return void clock.after(20, look);
        }
      }
      settled.resolve();
    };
    look();
    await settled.promise;
  }
}

function isSame(one: ServerEntry, other: ServerEntry): boolean {
  const keyOf = (entry: ServerEntry) =>
    instanceKey({ entry, capabilities: {}, project: undefined, own: undefined });
  return keyOf(one) === keyOf(other);
}
