/**
 * Who may speak to the daemon at all. Runs before anything else sees a request.
 *
 * The attack behind each check: a web page the user visits can send requests to 127.0.0.1. With DNS
 * rebinding it does so under a host name of its own (`Host`); without, the browser names the page
 * (`Origin`, `Sec-Fetch-Site`). Other users of the machine can reach the port as well: what changes or
 * reveals the daemon's state needs the token, which only this user can read.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { ServerSettings } from "../config/types.ts";
import { webSocketToken } from "./web_socket_token.ts";

/** What the guard knows. */
export interface GuardOptions {
  settings: Pick<ServerSettings, "allowedHosts" | "allowedOrigins" | "requireToken">;
  token: string;
}

/** What a route needs. */
export type Access =
  /** Anybody who passes the checks on headers: health, and the short page. */
  | "open"
  /** MCP itself: the token as well when `server.requireToken` is set. */
  | "data"
  /** Always the token. */
  | "control";

const LOOPBACK_NAMES = new Set(["localhost", "[::1]"]);

/** Whether `name` (no port, lower case) is this machine's own. */
export function isLoopbackName(name: string): boolean {
  return LOOPBACK_NAMES.has(name) || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Host name of a `Host` header: lower case, port removed, brackets of IPv6 kept. */
export function hostName(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, "");
}

/** The `Host` that was seen last to be this machine's own: nearly every request has it. */
let lastLoopback: string | undefined;

function isPermittedHost(host: string | null, allowedHosts: readonly string[]): boolean {
  const name = host === null ? "" : hostName(host);
  if (!isLoopbackName(name)) return allowedHosts.includes(name);
  lastLoopback = host!;
  return true;
}

/**
 * Checks headers that tell where a request comes from.
 *
 * @throws {Fault} `not_permitted`.
 */
export function checkOrigin(headers: Headers, { settings }: GuardOptions): void {
  const host = headers.get("host");
  if (host !== lastLoopback && !isPermittedHost(host, settings.allowedHosts)) {
    throw new Fault(
      "not_permitted",
      `Refused: Host ${JSON.stringify(host)} is not this machine; add the name to ` +
        `"server.allowedHosts" in config.json if it is yours`,
    );
  }
  const origin = headers.get("origin");
  // The daemon's own pages: the host was checked above, so no rebound name can pass for it.
  const isOwn = origin !== null && origin === `http://${host}`;
  if (origin !== null && !isOwn && !settings.allowedOrigins.includes(origin)) {
    throw new Fault(
      "not_permitted",
      `Refused: Origin ${JSON.stringify(origin)} is not allowed; add it to ` +
        `"server.allowedOrigins" in config.json if the page is yours`,
    );
  }
  const site = headers.get("sec-fetch-site");
  // A page of an allowed origin is cross-site to us, and was let in by name above.
  if (origin === null && (site === "cross-site" || site === "same-site")) {
    throw new Fault("not_permitted", `Refused: the request comes from another site (${site})`);
  }
}

/**
 * Checks the token where the route needs it.
 *
 * @throws {Fault} `not_permitted` with status 401.
 */
export function checkAccess(headers: Headers, access: Access, options: GuardOptions): void {
  if (access === "open" || (access === "data" && !options.settings.requireToken)) return;
  if (!hasToken(headers, options.token)) throw unauthorized();
}

/** Whether the request carries the token: as a bearer, or as a subprotocol of a WebSocket. */
export function hasToken(headers: Headers, token: string): boolean {
  const match = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "");
  const given = match?.[1] ?? webSocketToken(headers);
  return given !== undefined && equalInConstantTime(given, token);
}

function unauthorized(): Fault {
  return new Fault(
    "not_permitted",
    "Refused: this needs the daemon's token; send it as Authorization: Bearer TOKEN (it is in the " +
      "file named token in the daemon's run folder)",
    { status: 401 },
  );
}

/** Compares without telling by its duration how much was right. */
export function equalInConstantTime(given: string, secret: string): boolean {
  const encoder = new TextEncoder();
  const a = encoder.encode(given);
  const b = encoder.encode(secret);
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= b[i] ^ (a[i % (a.length || 1)] ?? 0);
  return difference === 0;
}

/** CORS headers for a request that passed; empty when it is not a browser's. */
export function corsHeaders(headers: Headers): Record<string, string> {
  const origin = headers.get("origin");
  return origin === null ? {} : {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "mcp-session-id, x-session-id, retry-after",
    "vary": "origin",
  };
}

/** Answer to a preflight of an allowed origin. */
export function preflight(headers: Headers): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...corsHeaders(headers),
      "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
      "access-control-allow-headers": headers.get("access-control-request-headers") ?? "",
      "access-control-max-age": "600",
    },
  });
}
