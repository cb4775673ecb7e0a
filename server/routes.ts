/**
 * Every address of the daemon, in one table: method, path, what it needs, and who answers.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { health, type HealthSource } from "./admin/health.ts";
import { controlServer, type ProcessAction } from "./admin/process_control.ts";
import { report, type ReportOptions, summarize } from "./admin/servers.ts";
import { metrics } from "./admin/metrics.ts";
import { postReload } from "./admin/reload.ts";
import { endSession, listSessions } from "./admin/sessions.ts";
import type { AppOptions } from "./daemon/app.ts";
import type { ServerEndpoint } from "./exchange/server_endpoint.ts";
import { checkJsonType } from "./inbound/body.ts";
import { type InboundContext, refusalResponse } from "./inbound/context.ts";
import {
  type Access,
  checkAccess,
  checkOrigin,
  corsHeaders,
  type GuardOptions,
  hasToken,
  preflight,
} from "./inbound/guard.ts";
import { openSse, postToSse } from "./inbound/http_sse.ts";
import { deleteLightSession, openSessionStream, postCommand, postRpc } from "./inbound/rpc.ts";
import { deleteSession, openStream, postMessage } from "./inbound/streamable_http.ts";
import { openV1Stream, postInit, postV1Message } from "./inbound/v1_aliases.ts";
import { openWebSocket } from "./inbound/websocket.ts";
import { welcomePage } from "./admin/welcome.ts";

/** What the routes lead to. */
export interface RoutesOptions {
  inbound: InboundContext;
  guard: GuardOptions;
  health: HealthSource;
  servers: ReadonlyMap<string, ServerEndpoint>;
  measure: ReportOptions["measure"];
  requestShutdown: AppOptions["requestShutdown"];
  requestReload: AppOptions["requestReload"];
  configuration: AppOptions["configuration"];
}

type Handler = (options: RoutesOptions, c: Context) => Response | Promise<Response>;
type Route = [method: "GET" | "POST" | "DELETE", path: string, access: Access, handler: Handler];

/** In the order of matching: a name that is an address of its own comes before `:server`. */
const ROUTES: readonly Route[] = [
  ["GET", "/health", "open", ({ health: source }, c) => health(source, new URL(c.req.url))],
  ["GET", "/mcp/servers", "data", async (options, c) => {
    const { servers, guard, measure, configuration, inbound: { clock } } = options;
    const all = servers.values();
    const full = hasToken(c.req.raw.headers, guard.token);
    if (!full) return c.json({ servers: summarize(all) });
    return c.json({
      servers: await report(all, { clock, measure }),
      configuration: configuration(),
    });
  }],

  ["POST", "/mcp/v1/init", "data", ({ inbound }, c) => postInit(inbound, c.req.raw)],
  ["POST", "/mcp/v1/message", "data", ({ inbound }, c) => postV1Message(inbound, c.req.raw)],
  [
    "GET",
    "/mcp/v1/stream/:id",
    "data",
    ({ inbound }, c) =>
      openV1Stream(inbound, { request: c.req.raw, sessionId: c.req.param("id")! }),
  ],

  ["POST", "/mcp", "data", ({ inbound }, c) => postMessage(inbound, target(c))],
  ["GET", "/mcp", "data", ({ inbound }, c) => openStream(inbound, target(c))],
  ["DELETE", "/mcp", "data", ({ inbound }, c) => deleteSession(inbound, target(c))],
  ["POST", "/mcp/:server", "data", ({ inbound }, c) => postMessage(inbound, target(c))],
  ["GET", "/mcp/:server", "data", ({ inbound }, c) => openStream(inbound, target(c))],
  ["DELETE", "/mcp/:server", "data", ({ inbound }, c) => deleteSession(inbound, target(c))],
  ["POST", "/mcp/:server/start", "control", control("start")],
  ["POST", "/mcp/:server/stop", "control", control("stop")],
  ["POST", "/mcp/:server/restart", "control", control("restart")],
  ["POST", "/mcp/:server/command", "data", ({ inbound }, c) => postCommand(inbound, target(c))],

  ["POST", "/rpc", "data", ({ inbound }, c) => postRpc(inbound, target(c))],
  ["POST", "/rpc/:server", "data", ({ inbound }, c) => postRpc(inbound, target(c))],
  ["GET", "/sse", "data", getSse],
  [
    "GET",
    "/sse/:id",
    "data",
    ({ inbound }, c) =>
      openSessionStream(inbound, { request: c.req.raw, sessionId: c.req.param("id")! }),
  ],
  ["DELETE", "/session", "data", ({ inbound }, c) => deleteLightSession(inbound, c.req.raw)],

  ["GET", "/mcp/:server/sse", "data", ({ inbound }, c) => openSse(inbound, target(c))],
  ["POST", "/messages", "data", ({ inbound }, c) => postToSse(inbound, target(c))],
  ["POST", "/mcp/:server/messages", "data", ({ inbound }, c) => postToSse(inbound, target(c))],

  ["GET", "/ws", "data", ({ inbound }, c) => openWebSocket(inbound, target(c))],
  ["GET", "/mcp/:server/ws", "data", ({ inbound }, c) => openWebSocket(inbound, target(c))],

  ["POST", "/", "data", ({ inbound }, c) => postMessage(inbound, target(c))],
  ["GET", "/", "open", (options, c) => {
    if (!c.req.header("accept")?.includes("text/event-stream")) return welcomePage(options.health);
    checkAccess(c.req.raw.headers, "data", options.guard);
    return c.req.method === "HEAD" ? c.body(null, 405) : getSse(options, c);
  }],

  [
    "GET",
    "/sessions",
    "control",
    ({ inbound }, c) => c.json({ sessions: listSessions(inbound.sessions) }),
  ],
  ["DELETE", "/sessions/:id", "control", ({ inbound }, c) => {
    endSession(inbound.sessions, c.req.param("id")!);
    return c.body(null, 204);
  }],
  ["POST", "/reload", "control", (options, c) => {
    checkJsonType(c.req.raw);
    return postReload(options);
  }],
  ["GET", "/metrics", "data", ({ health, servers }) => metrics(health, servers.values())],
  ["POST", "/shutdown", "control", ({ requestShutdown, health: { identity } }, c) => {
    checkJsonType(c.req.raw);
    const hurry = c.req.query("hurry") !== undefined;
    requestShutdown("asked by aichaku mcp --stop-server, or by another program with the token", {
      hurry,
    });
    return c.json({ status: "draining", pid: identity.pid, instanceId: identity.instanceId }, 202);
  }],
];

/** The routes as a fetch handler: guard first, then the route, then faults as JSON-RPC errors. */
export function createRoutes(options: RoutesOptions): Hono {
  const app = new Hono();
  app.use("*", async (c, next) => {
    const { headers } = c.req.raw;
    checkOrigin(headers, options.guard);
    if (c.req.method === "OPTIONS" && headers.has("origin")) return preflight(headers);
    await next();
    // Who may read a response is no question where there is none; and it must not be made another.
    if (c.res.status === 101) return;
    for (const [name, value] of Object.entries(corsHeaders(headers))) {
      c.res.headers.set(name, value);
    }
  });
  for (const [method, path, access, handler] of ROUTES) {
    app.on(method, path, (c) => {
      // Hono answers HEAD by GET, and here that would take over a stream which nobody then reads.
      if (c.req.method === "HEAD" && access !== "open") return c.body(null, 405);
      checkAccess(c.req.raw.headers, access, options.guard);
      return handler(options, c);
    });
  }
  const allowed = allowedMethods();
  for (const [path, methods] of allowed) {
    app.all(path, (c) => c.text(`${c.req.method} is not served here\n`, 405, { allow: methods }));
  }
  app.notFound((c) => c.text(`Nothing is served at ${c.req.path}\n`, 404));
  app.onError((error) => refusalResponse(error, { log: options.inbound.log }));
  return app;
}

function control(action: ProcessAction): Handler {
  return async ({ servers }, c) => {
    checkJsonType(c.req.raw);
    return c.json(await controlServer(servers, { server: c.req.param("server")!, action }));
  };
}

/** With `X-Session-ID` that session's stream, else a connection of HTTP+SSE. */
function getSse({ inbound }: RoutesOptions, c: Context): Response {
  const sessionId = c.req.header("x-session-id");
  return sessionId === undefined
    ? openSse(inbound, target(c))
    : openSessionStream(inbound, { request: c.req.raw, sessionId });
}

/** The request, and the server its path names. */
function target(c: Context): { request: Request; server: string | undefined } {
  return { request: c.req.raw, server: c.req.param("server") };
}

function allowedMethods(): Map<string, string> {
  const byPath = new Map<string, string>();
  for (const [method, path] of ROUTES) {
    const before = byPath.get(path);
    byPath.set(path, before === undefined ? method : `${before}, ${method}`);
  }
  return byPath;
}
