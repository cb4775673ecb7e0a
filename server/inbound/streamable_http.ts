/**
 * MCP Streamable HTTP with sessions: revisions 2025-06-18 and 2025-11-25 (2025-03-26 without batches),
 * at `/mcp/{server}` and `/mcp`. Source: MCP 2025-11-25, basic/transports.
 *
 * Turns requests into messages and answers into responses; what the messages mean is decided in the
 * exchange.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject } from "../../protocol/json.ts";
import { parseMessage, type RequestMessage } from "../../protocol/message.ts";
import { isLegacyRevision, LEGACY_REVISIONS, negotiateRevision } from "../../protocol/revisions.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Session } from "../exchange/session.ts";
import { readJsonBody } from "./body.ts";
import { type InboundContext, refusalResponse, requireEndpoint } from "./context.ts";
import { eventStreamResponse } from "./event_stream.ts";
import { projectOf } from "./project.ts";
import { type Accepts, PostReply, readAccept } from "./replies.ts";

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
      return await initialize(context, { request, endpoint, accepts, message });
    }
    const found = findSession(context, request, endpoint);
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
  const session = await findSession(context, request, endpoint);
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
  const session = await findSession(context, request, endpoint);
  context.sessions.end(session, "the client ended its session");
  return new Response(null, { status: 204 });
}

interface Initialization {
  request: Request;
  endpoint: Endpoint;
  accepts: Accepts;
  message: RequestMessage;
}

/** Begins a session. It ends at once when the server cannot be had, or the client does not wait. */
async function initialize(
  context: InboundContext,
  { request, endpoint, accepts, message }: Initialization,
): Promise<Response> {
  const { id, params } = message;
  const { clock, limits, silence, sessions, absence } = context;
  const session = sessions.create({
    kind: "mcp",
    endpoint,
    protocolVersion: negotiateRevision(params?.protocolVersion),
    clientInfo: readClientInfo(params?.clientInfo),
    capabilities: isObject(params?.capabilities) ? params.capabilities : {},
    project: projectOf(request),
  });
  const headers = { [SESSION_HEADER]: session.id };
  const reply = new PostReply({
    ...{ clock, limits, silence, accepts, id, headers },
    // A client that is told of a session believes in it, whatever else it is told.
    headersOf: () => ({}),
  });
  context.exchange.request(session, message, {
    answer(text, fault) {
      if (fault !== undefined) sessions.end(session, "it could not begin");
      reply.answer(text, fault);
    },
    notify: (text) => reply.notify(text),
  });
  const call = session.calls.get(id);
  if (call === undefined) return reply.response;
  // Without this answer nobody knows the session's id.
  const waiting = { request, call };
  absence.add(waiting);
  const response = await reply.response;
  absence.delete(waiting);
  return response;
}

/** Name and version of a client, for people: short, whatever it sent. */
function readClientInfo(info: unknown): { name?: string; version?: string } | undefined {
  if (!isObject(info)) return undefined;
  const short = (value: unknown) => typeof value === "string" ? value.slice(0, 100) : undefined;
  return { name: short(info.name), version: short(info.version) };
}

function findSession(
  context: InboundContext,
  request: Request,
  endpoint: Endpoint,
): Session | Promise<Session> {
  const id = request.headers.get(SESSION_HEADER);
  if (id === null) {
    throw new Fault(
      "invalid_request",
      "Missing Mcp-Session-Id: send initialize first, and its answer's session id with every " +
        "request after it",
    );
  }
  return context.sessions.find(id, { kind: "mcp", endpoint, project: projectOf(request) });
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
