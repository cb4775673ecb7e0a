/**
 * MCP Streamable HTTP with sessions: revisions 2025-06-18 and 2025-11-25 (2025-03-26 without batches),
 * at `/mcp/{server}` and `/mcp`. Source: MCP 2025-11-25, basic/transports.
 *
 * Turns requests into messages and answers into responses; what the messages mean is decided in the
 * exchange.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject } from "../../protocol/json.ts";
import { parseMessage, type RequestMessage, resultText } from "../../protocol/message.ts";
import { isLegacyRevision, LEGACY_REVISIONS } from "../../protocol/revisions.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Session } from "../exchange/session.ts";
import { readJsonBody } from "./body.ts";
import { type InboundContext, refusalResponse, requireEndpoint } from "./context.ts";
import { eventStreamResponse } from "./event_stream.ts";
import { PostReply, readAccept } from "./replies.ts";

const SESSION_HEADER = "mcp-session-id";
const VERSION_HEADER = "mcp-protocol-version";
const JSON_HEADERS = { "content-type": "application/json" };

/**
 * `POST`: one message.
 *
 * @throws {Fault} for whatever never becomes a call.
 */
export async function postMessage(
  context: InboundContext,
  { request, server }: { request: Request; server: string | undefined },
): Promise<Response> {
  const endpoint = requireEndpoint(context, server);
  const accepts = readAccept(request.headers.get("accept"));
  if (!accepts.json && !accepts.eventStream) throw notAcceptable();
  const message = parseMessage(await readJsonBody(request, context.limits.maxBodyBytes));
  try {
    checkVersion(request.headers);
    const sessionId = request.headers.get(SESSION_HEADER);
    const { refusal } = context.exchange;
    // Before the session is looked for: it may be put away already, and must not seem to be lost.
    if (refusal !== undefined && message.kind === "request") {
      return new Response(refusal.toResponseText(message.id), { headers: JSON_HEADERS });
    }
    if (message.kind === "request" && message.method === "initialize" && sessionId === null) {
      return await initialize(context, endpoint, message);
    }
    const found = findSession(context, endpoint, sessionId);
    const session = found instanceof Promise ? await found : found;
    if (message.kind !== "request") {
      context.exchange.notification(session, message);
      return new Response(null, { status: 202 });
    }
    if (message.method === "initialize") {
      throw new Fault("invalid_request", "Cannot initialize a session twice; begin a new one");
    }
    const { clock, limits, silence } = context;
    const { id } = message;
    const reply = new PostReply({ clock, limits, silence, accepts, id, headers: {} });
    context.exchange.request(session, message, reply);
    return await reply.response;
  } catch (error) {
    const id = message.kind === "request" ? message.id : undefined;
    return refusalResponse(error, { id, log: context.log });
  }
}

/** `GET`: the stream for what belongs to no call. A second one takes over from the first. */
export async function openStream(
  context: InboundContext,
  { request, server }: { request: Request; server: string | undefined },
): Promise<Response> {
  const endpoint = requireEndpoint(context, server);
  if (!readAccept(request.headers.get("accept")).eventStream) throw notAcceptable();
  checkVersion(request.headers);
  if (context.exchange.refusal !== undefined) throw context.exchange.refusal;
  const session = await findSession(context, endpoint, request.headers.get(SESSION_HEADER));
  return eventStreamResponse({
    mailbox: session.mailbox,
    clock: context.clock,
    // Headers go out with the first byte; without one, a client would wait for its stream to open.
    greeting: ": open\n\n",
    onClose: () => session.touch(),
  });
}

/** `DELETE`: ends the session. */
export async function deleteSession(
  context: InboundContext,
  { request, server }: { request: Request; server: string | undefined },
): Promise<Response> {
  const endpoint = requireEndpoint(context, server);
  checkVersion(request.headers);
  const session = await findSession(context, endpoint, request.headers.get(SESSION_HEADER));
  context.sessions.end(session, "the client ended its session");
  return new Response(null, { status: 204 });
}

async function initialize(
  context: InboundContext,
  endpoint: Endpoint,
  { id, params }: RequestMessage,
): Promise<Response> {
  let result;
  try {
    result = await endpoint.initialize(params);
  } catch (error) {
    // The answer of a call that was made and failed: status 200, like any other.
    return new Response(asFault(error).toResponseText(id), { headers: JSON_HEADERS });
  }
  const text = resultText(id, result);
  const session = context.sessions.create({
    kind: "mcp",
    endpoint,
    protocolVersion: String(result.protocolVersion),
    clientInfo: readClientInfo(params?.clientInfo),
  });
  return new Response(text, { headers: { ...JSON_HEADERS, [SESSION_HEADER]: session.id } });
}

/** Name and version of a client, for people: short, whatever it sent. */
function readClientInfo(info: unknown): { name?: string; version?: string } | undefined {
  if (!isObject(info)) return undefined;
  const short = (value: unknown) => typeof value === "string" ? value.slice(0, 100) : undefined;
  return { name: short(info.name), version: short(info.version) };
}

function findSession(
  context: InboundContext,
  endpoint: Endpoint,
  id: string | null,
): Session | Promise<Session> {
  if (id === null) {
    throw new Fault(
      "invalid_request",
      "Missing Mcp-Session-Id: send initialize first, and its answer's session id with every " +
        "request after it",
    );
  }
  return context.sessions.find(id, { kind: "mcp", endpoint });
}

/** A version that is not spoken here; the list tells a newer client to begin with `initialize`. */
function checkVersion(headers: Headers): void {
  const requested = headers.get(VERSION_HEADER);
  if (requested === null || isLegacyRevision(requested)) return;
  throw new Fault(
    "unsupported_version",
    `Unsupported protocol version ${JSON.stringify(requested.slice(0, 40))}`,
    { extra: { supported: LEGACY_REVISIONS, requested: requested.slice(0, 40) } },
  );
}

function notAcceptable(): Fault {
  return new Fault(
    "invalid_request",
    "Not acceptable: Accept must name application/json and text/event-stream",
    { status: 406 },
  );
}
