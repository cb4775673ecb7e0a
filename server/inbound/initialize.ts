/**
 * The session that an `initialize` request asks for.
 *
 * @module
 */

import { isObject } from "../../protocol/json.ts";
import type { RequestMessage } from "../../protocol/message.ts";
import { negotiateRevision } from "../../protocol/revisions.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Session } from "../exchange/session.ts";
import type { Sessions } from "../exchange/sessions.ts";

/** Where a session begins. */
export interface SessionOrigin {
  endpoint: Endpoint;
  project: string | undefined;
  message: RequestMessage;
  /** The id it is to have. Default: a new one. */
  id?: string;
  /** Whether its client can come back to it after a restart. Default true. */
  keep?: boolean;
}

/**
 * Makes the session; the `initialize` request itself is still to be given to the exchange.
 *
 * @throws {Fault} `overloaded` when there are too many.
 */
export function createSession(
  sessions: Sessions,
  { endpoint, project, message: { params }, id, keep }: SessionOrigin,
): Session {
  return sessions.create({
    kind: "mcp",
    endpoint,
    id,
    protocolVersion: negotiateRevision(params?.protocolVersion),
    clientInfo: readClientInfo(params?.clientInfo),
    capabilities: isObject(params?.capabilities) ? params.capabilities : {},
    project,
    keep,
  });
}

/** Name and version of a client, for people: short, whatever it sent. */
function readClientInfo(info: unknown): { name?: string; version?: string } | undefined {
  if (!isObject(info)) return undefined;
  const short = (value: unknown) => typeof value === "string" ? value.slice(0, 100) : undefined;
  return { name: short(info.name), version: short(info.version) };
}
