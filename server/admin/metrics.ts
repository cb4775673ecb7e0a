/**
 * `GET /metrics`: numbers for Prometheus, in its text format 0.0.4. Names of servers are in it, and
 * nothing of what anybody said.
 *
 * @module
 */

import type { ServerEndpoint } from "../exchange/server_endpoint.ts";
import type { SharedInstance } from "../exchange/shared_instance.ts";
import type { HealthSource } from "./health.ts";

/** One kind of number. */
interface Metric {
  name: string;
  type: "gauge" | "counter";
  help: string;
  samples: { labels?: Record<string, string>; value: number }[];
}

/** The answer. */
export function metrics(health: HealthSource, servers: Iterable<ServerEndpoint>): Response {
  const text = [...ofDaemon(health), ...ofServers([...servers])].map(render).join("");
  return new Response(text, {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

function ofDaemon({ identity, activeSessions }: HealthSource): Metric[] {
  return [
    {
      name: "aichaku_info",
      type: "gauge",
      help: "The daemon's version.",
      samples: [{ labels: { version: identity.version }, value: 1 }],
    },
    {
      name: "aichaku_uptime_seconds",
      type: "gauge",
      help: "Seconds since the daemon started.",
      samples: [{ value: Math.max(0, Math.round((Date.now() - identity.startedAt) / 1000)) }],
    },
    {
      name: "aichaku_sessions_active",
      type: "gauge",
      help: "Sessions that hold a lease.",
      samples: [{ value: activeSessions() }],
    },
    {
      name: "aichaku_resident_memory_bytes",
      type: "gauge",
      help: "Resident memory of the daemon itself.",
      samples: [{ value: Deno.memoryUsage().rss }],
    },
  ];
}

function ofServers(servers: ServerEndpoint[]): Metric[] {
  const perServer = (read: (endpoint: ServerEndpoint) => number) =>
    servers.map((endpoint) => ({ labels: { server: endpoint.server }, value: read(endpoint) }));
  const sum = (read: (shared: SharedInstance) => number) =>
    perServer(({ instances }) => [...instances].reduce((total, one) => total + read(one), 0));
  return [
    {
      name: "aichaku_server_up",
      type: "gauge",
      help: "Whether a process or connection of the server is ready.",
      samples: perServer(({ state }) => state === "ready" ? 1 : 0),
    },
    {
      name: "aichaku_server_instances",
      type: "gauge",
      help: "Instances of the server.",
      samples: perServer(({ instances }) => instances.size),
    },
    {
      name: "aichaku_server_clients",
      type: "gauge",
      help: "Sessions at the server.",
      samples: perServer(({ clients }) => clients),
    },
    {
      name: "aichaku_server_calls_in_flight",
      type: "gauge",
      help: "Calls given to the server that somebody waits for.",
      samples: sum(({ instance }) => instance.callsInFlight),
    },
    {
      name: "aichaku_server_calls_queued",
      type: "gauge",
      help: "Calls that wait for their turn.",
      samples: sum(({ instance }) => instance.callsQueued),
    },
    {
      name: "aichaku_server_calls_total",
      type: "counter",
      help: "Calls given to the instances that the server has now.",
      samples: sum(({ instance }) => instance.callsGiven),
    },
    {
      name: "aichaku_server_starts_total",
      type: "counter",
      help: "Starts of the instances that the server has now.",
      samples: sum(({ instance: { life } }) => "record" in life ? life.record.starts : 0),
    },
  ];
}

function render({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
