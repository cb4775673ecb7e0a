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
import { ServerEndpoint } from "./exchange/server_endpoint.ts";
import { Sessions } from "./exchange/sessions.ts";
import { AbsenceWatch } from "./inbound/absence.ts";
import { SilenceWatch } from "./inbound/replies.ts";
import { createRoutes } from "./routes.ts";
import { createInstance } from "./upstream/create_instance.ts";
import { HURRIED, UNHURRIED } from "./upstream/wire.ts";
import type { InstanceListener } from "./upstream/instance.ts";

/** Makes the application. Nothing is started before the first request asks for it. */
export function createApp(options: AppOptions): DaemonApp {
  const { config, identity, log, requestShutdown } = options;
  const clock = systemClock;
  const { limits } = config.server;
  const { version } = identity;

  const servers = new Map<string, ServerEndpoint>();
  const all = new AggregateEndpoint({ servers, version, clock, log });
  const listener: InstanceListener = {
    onReady({ name }) {
      servers.get(name)?.onReady();
      all.onReady(name);
    },
    onNotification({ name }, message, text) {
      servers.get(name)?.onNotification(message, text);
      if (message.method === "notifications/tools/list_changed") all.onToolsChanged();
    },
  };
  for (const entry of config.servers.values()) {
    const instance = createInstance(entry, {
      listener,
      clock,
      random: Math.random,
      log,
      version,
      maxCalls: limits.maxCallsPerServer,
      maxCallsPerOwner: limits.maxCallsPerSession,
      inherited: options.variables,
      children: options.children,
      instanceId: identity.instanceId,
      homeFolder: identity.homeFolder,
      selfCommand: identity.selfCommand,
      maxServerMessageBytes: limits.maxServerMessageBytes,
      maxOwed: 2 * limits.maxBodyBytes,
    });
    servers.set(entry.name, new ServerEndpoint(instance, log));
  }

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
  const routes = createRoutes({
    inbound: {
      clock,
      limits,
      log,
      silence,
      absence,
      exchange,
      sessions,
      endpoint: (server) => server === undefined ? all : servers.get(server),
      serverNames: () => [...servers.keys()],
    },
    guard: { settings: config.server, token: identity.token },
    health: {
      identity,
      activeSessions: () => sessions.activeCount,
      serverStates: () =>
        Object.fromEntries(
          [...servers].map(([name, { instance }]) => [name, instance.life.state]),
        ),
      get draining() {
        return exchange.refusal !== undefined;
      },
    },
    servers,
    requestShutdown,
  });

  return {
    fetch: (request) => routes.fetch(request),
    activeSessions: () => sessions.activeCount,
    activity: () => ({ held: sessions.activeCount, changes: sessions.changes }),
    drain,
  };

  async function drain({ reason, graceMs, hurry }: DrainOptions): Promise<void> {
    exchange.drain(reason);
    await settlesWithin(allCallsSettled(), graceMs);
    const fault = new Fault(
      "draining",
      `The daemon stopped (${reason}) with this call in flight; whether it took effect is not known`,
      { retryable: false },
    );
    const stopped = [...servers.values()].map(({ instance }) =>
      instance.stop(fault, hurry ? HURRIED : UNHURRIED)
    );
    // Those that wait for several servers, or for none.
    for (const session of sessions) {
      for (const call of [...session.calls.values()]) call.fail(fault);
    }
    silence[Symbol.dispose]();
    absence[Symbol.dispose]();
    await Promise.all([...stopped, sessions.close(reason)]);
  }

  async function allCallsSettled(): Promise<void> {
    const settled = Promise.withResolvers<void>();
    const look = () => {
      for (const session of sessions) {
        if (session.calls.size > 0) return void clock.after(20, look);
      }
      settled.resolve();
    };
    look();
    await settled.promise;
  }
}
