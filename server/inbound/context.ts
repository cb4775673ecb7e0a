/**
 * What every inbound transport needs of the daemon.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { MessageFault } from "../../protocol/message.ts";
import type { Logger } from "../daemon/log.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Sessions } from "../exchange/sessions.ts";
import type { AbsenceWatch } from "./absence.ts";
import type { Connections } from "./connections.ts";
import type { ReplyContext } from "./replies.ts";
import type { ResumableStreams } from "./resumable.ts";

/** The daemon as inbound transports see it. */
export interface InboundContext extends ReplyContext {
  exchange: Exchange;
  sessions: Sessions;
  /** The endpoint of a server, or of all together when `server` is undefined. */
  endpoint(server: string | undefined): Endpoint | undefined;
  log: Logger;
  /** Watches for clients of `/rpc` that leave. */
  absence: AbsenceWatch;
  /** Names of all servers. */
  serverNames(): string[];
  /** Names of those that the configuration disables. */
  disabledServers(): readonly string[];
  /** Clients on connections of their own. */
  connections: Connections;
  /** Streams that clients can come back to. */
  resumable: ResumableStreams;
}

/**
 * The endpoint of a path.
 *
 * @throws {Fault} with status 404 when no such server is configured.
 */
export function requireEndpoint(context: InboundContext, server: string | undefined): Endpoint {
  const endpoint = context.endpoint(server);
  if (endpoint !== undefined) return endpoint;
  throw unknownServer(context, server);
}

/** The fault of a name that is not configured, or is disabled. */
export function unknownServer(context: InboundContext, server: string | undefined): Fault {
  const name = (server ?? "").slice(0, 80);
  const which = context.disabledServers().includes(name)
    ? `Server ${JSON.stringify(name)} is disabled in config.json; in use are: `
    : `Unknown server ${JSON.stringify(name)}; configured are: `;
  const names = context.serverNames().join(", ") || "none";
  return new Fault("invalid_params", which + names, { server: name, status: 404 });
}

/** Options of {@linkcode refusalResponse}. */
export interface RefusalOptions {
  /** Told of faults of our own. */
  log: Logger;
  /** JSON text of the request's id, when it could be read. */
  id?: string;
  headers?: Record<string, string>;
}

/** What never became a call, as a response: a JSON-RPC error and its HTTP status. */
export function refusalResponse(error: unknown, options: RefusalOptions): Response {
  const fault = asFault(error);
  if (fault.reason === "internal") {
    options.log.error("fault while answering a request", { error: fault.details.cause ?? fault });
  }
  const id = fault instanceof MessageFault ? fault.id : options.id ?? "null";
  return new Response(fault.toResponseText(id), {
    status: fault.httpStatus,
    headers: { "content-type": "application/json", ...faultHeaders(fault), ...options.headers },
  });
}

/** Headers that go with some faults. */
export function faultHeaders(fault: Fault): Record<string, string> {
  if (fault.httpStatus === 401) return { "www-authenticate": "Bearer" };
  if (fault.reason === "overloaded" || fault.reason === "draining") return { "retry-after": "1" };
  return {};
}
