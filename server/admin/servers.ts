/**
 * `GET /mcp/servers`: names and states for everybody who may call them; the rest for whoever holds the
 * token.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { Sharing } from "../config/types.ts";
import type { ServerEndpoint } from "../exchange/server_endpoint.ts";
import type { SharedInstance } from "../exchange/shared_instance.ts";
import { canBeAsked, clientClass } from "../upstream/client_class.ts";

/** What a process and all that it started use. */
export interface TreeUsage {
  rssBytes: number;
  cpuSeconds: number;
}

/** What reports are made from beside the servers. */
export interface ReportOptions {
  clock: Clock;
  /** Measures processes by pid; those that cannot be measured are left out. */
  measure(pids: number[]): Promise<ReadonlyMap<number, TreeUsage>>;
}

/** What everybody may know of a server. */
export interface ServerSummary {
  name: string;
  state: string;
}

/** What the holder of the token sees. */
export interface ServerReport extends ServerSummary {
  /** How clients share it, and who said so. */
  sharing: Sharing;
  /** Why clients that can be asked get a process of their own, if they do. */
  isolated?: string;
  /** Why it is not running, when it should be. */
  reason?: string;
  /** Process id of the first instance that has one. */
  pid?: number;
  /** Sessions at this server. */
  clients: number;
  callsInFlight: number;
  callsQueued: number;
  /** Times a process got ready after the first, over all instances. */
  restarts: number;
  /** What went wrong the last time, at any instance. */
  lastError?: string;
  /** Seconds since the first running instance got ready. */
  uptime?: number;
  /** Resident memory of all its processes and theirs, bytes; where the system tells. */
  rssBytes?: number;
  /** Processor time of the same, seconds. */
  cpuSeconds?: number;
  instances: InstanceReport[];
}

/** One process or connection. */
export interface InstanceReport extends Partial<TreeUsage> {
  state: string;
  reason?: string;
  pid?: number;
  uptime?: number;
  /** The project it works on. */
  project?: string;
  /** What it was told that its clients can do; left out when nothing. */
  clientsCan?: string[];
  /** Whether one session has it for itself. */
  own?: true;
  clients: number;
  callsInFlight: number;
  callsQueued: number;
  restarts: number;
  lastError?: string;
}

/** The states of all servers. */
export function summarize(servers: Iterable<ServerEndpoint>): ServerSummary[] {
  return [...servers].map(({ server, state }) => ({ name: server, state }));
}

/** Everything about the servers. */
export async function report(
  servers: Iterable<ServerEndpoint>,
  { clock, measure }: ReportOptions,
): Promise<ServerReport[]> {
  const endpoints = [...servers];
  const pids = endpoints.flatMap(({ instances }) =>
    [...instances].map(({ instance }) => instance.pid).filter((pid) => pid !== undefined)
  );
  const usage = await measure(pids);
  return endpoints.map((endpoint) => {
    const instances = [...endpoint.instances].map((shared) =>
      reportInstance(shared, { now: clock.now(), usage })
    );
    const sum = (read: (one: InstanceReport) => number) =>
      instances.reduce((total, one) => total + read(one), 0);
    const first = <T>(read: (one: InstanceReport) => T | undefined) =>
      instances.map(read).find((value) => value !== undefined);
    const measured = instances.some(({ rssBytes }) => rssBytes !== undefined);
    return {
      name: endpoint.server,
      state: endpoint.state,
      sharing: endpoint.entry.sharing,
      ...present({
        isolated: endpoint.entry.sharing.mode === "auto" ? endpoint.verdict : undefined,
        reason: endpoint.entry.kind === "broken" ? endpoint.entry.problem : first((i) => i.reason),
        pid: first(({ pid }) => pid),
        lastError: endpoint.lastError ?? first(({ lastError }) => lastError),
        uptime: first(({ uptime }) => uptime),
        rssBytes: measured ? sum(({ rssBytes = 0 }) => rssBytes) : undefined,
        cpuSeconds: measured ? sum(({ cpuSeconds = 0 }) => cpuSeconds) : undefined,
      }),
      clients: endpoint.clients,
      callsInFlight: sum(({ callsInFlight }) => callsInFlight),
      callsQueued: sum(({ callsQueued }) => callsQueued),
      restarts: sum(({ restarts }) => restarts),
      instances,
    };
  });
}

function reportInstance(
  { instance, spec, sessions, own }: SharedInstance,
  { now, usage }: { now: number; usage: ReadonlyMap<number, TreeUsage> },
): InstanceReport {
  const { life, pid } = instance;
  const profile = clientClass(spec.capabilities);
  return {
    state: life.state,
    ...present({
      reason: "reason" in life ? life.reason : undefined,
      pid,
      uptime: life.state === "ready" ? Math.round((now - life.since) / 1000) : undefined,
      project: spec.project,
      clientsCan: canBeAsked(profile) ? Object.keys(profile) : undefined,
      own: own === undefined ? undefined : true as const,
      lastError: instance.lastError,
    }),
    ...(pid === undefined ? undefined : usage.get(pid)),
    clients: sessions.size,
    callsInFlight: instance.callsInFlight,
    callsQueued: instance.callsQueued,
    restarts: "record" in life ? Math.max(0, life.record.starts - 1) : 0,
  };
}

/** Without members that are undefined. */
function present<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
