/**
 * MCP Streamable HTTP with sessions: revisions 2025-03-26, 2025-06-18 and 2025-11-25, at
 * `/mcp/{server}` and `/mcp`. Source: MCP 2025-11-25, basic/transports; MCP 2025-03-26 for batches.
 *
 * Turns requests into messages and answers into responses; what the messages mean is decided in the
 * exchange. A client that leaves cancels nothing: it says so itself when it cancels, and may come back
 * for its answer (`Last-Event-ID`) where its response had become a stream.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { Message, RequestMessage } from "../../protocol/message.ts";
import { isModernRequest } from "../../protocol/modern.ts";
import type { Call } from "../exchange/call.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Session } from "../exchange/session.ts";
import { answersOf, submitBatch } from "./batch.ts";
import { readJsonBody } from "./body.ts";
import { type InboundContext, refusalResponse, requireEndpoint } from "./context.ts";
import { EVENT_STREAM_HEADERS, eventStreamResponse } from "./event_stream.ts";
import { type Batch, checkBatch, type Incoming, parseIncoming } from "./incoming.ts";
import { createSession } from "./initialize.ts";
import { postModern } from "./modern_http.ts";
import { isModernVersion } from "./modern_request.ts";
import { projectOf } from "./project.ts";
import { type Accepts, PostReply, readAccept } from "./replies.ts";
import { refuseUnknownServer } from "./unknown_server.ts";
import { checkVersion, VERSION_HEADER } from "./version.ts";

const SESSION_HEADER = "mcp-session-id";
const JSON_HEADERS = { "content-type": "application/json" };

/** A request and where it goes. */
export interface McpRequest {
  request: Request;
  /** The server its path names, if any. */
  server: string | undefined;
  /** The session it names elsewhere than in `Mcp-Session-Id`. */
  sessionId?: string;
}

/** `POST`: one message, or, in revision 2025-03-26, a batch. Never rejects. */
export async function postMessage(context: InboundContext, to: McpRequest): Promise<Response> {
  const { request, server } = to;
  let id: string | undefined;
  try {
    const endpoint = context.endpoint(server);
    if (endpoint === undefined) return await refuseUnknownServer(context, { request, server });
    const accepts = readAccept(request.headers.get("accept"));
    if (!accepts.json && !accepts.eventStream) throw notAcceptable();
    const message = parseIncoming(await readJsonBody(request, context));
    if (message.kind === "request") id = message.id;
    const version = request.headers.get(VERSION_HEADER);
    if (message.kind !== "batch" && isModern(version, message)) {
      return await postModern(context, { request, endpoint, accepts, message });
    }
    checkVersion(version);
    const sessionId = to.sessionId ?? request.headers.get(SESSION_HEADER);
    const { refusal } = context.exchange;
    // Before the session is looked for: it may be put away already, and must not seem to be lost.
    if (refusal !== undefined && message.kind === "request") {
      return new Response(refusal.toResponseText(message.id), { headers: JSON_HEADERS });
    }
    if (message.kind === "request" && message.method === "initialize" && sessionId === null) {
      return await initialize(context, { request, endpoint, accepts, message });
    }
    const found = findSession(context, { request, endpoint, sessionId });
    const session = found instanceof Promise ? await found : found;
    return await answer(context, { session, accepts, message });
  } catch (error) {
    return refusalResponse(error, { id, log: context.log });
  }
}

/** Whether a message is of the modern era: it says so itself, or its headers do. */
function isModern(version: string | null, message: Message): boolean {
  const isNamed = message.kind === "request" && isModernRequest(message.params);
  // `initialize` belongs to the legacy era, whatever else is said.
  if (message.kind === "request" && message.method === "initialize" && !isNamed) return false;
  return isNamed || isModernVersion(version);
}

/** `GET`: the stream for what belongs to no call, or, resumed, that of a call. */
export async function openStream(context: InboundContext, to: McpRequest): Promise<Response> {
  const { request, server } = to;
  const endpoint = requireEndpoint(context, server);
  if (!readAccept(request.headers.get("accept")).eventStream) throw notAcceptable();
  checkVersion(request.headers.get(VERSION_HEADER));
  if (context.exchange.refusal !== undefined) throw context.exchange.refusal;
  const sessionId = to.sessionId ?? request.headers.get(SESSION_HEADER);
  const session = await findSession(context, { request, endpoint, sessionId });
  const found = context.resumable.find(session, request.headers.get("last-event-id"));
  if (found?.kind === "lost") return new Response(found.event, { headers: EVENT_STREAM_HEADERS });
  return eventStreamResponse({
    mailbox: found?.stream.mailbox ?? session.mailbox,
    eventId: found?.stream.eventId,
    lastSeen: found?.lastSeen,
    clock: context.clock,
    // Headers go out with the first byte; without one, a client would wait for its stream to open.
    greeting: ": open\n\n",
    onClose: () => session.touch(),
  });
}

/** `DELETE`: ends the session. */
export async function deleteSession(context: InboundContext, to: McpRequest): Promise<Response> {
  const { request, server } = to;
  const endpoint = requireEndpoint(context, server);
  checkVersion(request.headers.get(VERSION_HEADER));
  const sessionId = to.sessionId ?? request.headers.get(SESSION_HEADER);
  const session = await findSession(context, { request, endpoint, sessionId });
  context.sessions.end(session, "the client ended its session");
  return new Response(null, { status: 204 });
}

/** What is to be answered, and how. */
interface Answerable<M> {
  session: Session;
  accepts: Accepts;
  message: M;
}

function answer(
  context: InboundContext,
  { session, accepts, message }: Answerable<Incoming>,
): Response | Promise<Response> {
  switch (message.kind) {
    case "batch":
      return answerBatch(context, { session, accepts, message: message.batch });
    case "request":
      return answerRequest(context, { session, accepts, message });
    default:
      context.exchange.notification(session, message);
      return new Response(null, { status: 202 });
  }
}

function answerRequest(
  context: InboundContext,
  { session, accepts, message }: Answerable<RequestMessage>,
): Promise<Response> {
  if (message.method === "initialize") {
    throw new Fault("invalid_request", "Cannot initialize a session twice; begin a new one");
  }
  const { id } = message;
  const openStream = () => context.resumable.open(session, id);
  const reply = new PostReply(context, { accepts, id, openStream });
  let call: Call;
  try {
    call = context.exchange.request(session, message, reply);
  } catch (error) {
    reply.drop();
    throw error;
  }
  // With a stream from the beginning, it can come back for the answer however early it is lost.
  if (accepts.streamFirst && !call.settled) reply.beginStream();
  return reply.response;
}

function answerBatch(
  context: InboundContext,
  { session, accepts, message: batch }: Answerable<Batch>,
): Response | Promise<Response> {
  checkBatch(session);
  const count = answersOf(batch);
  if (count === 0) {
    const reply = { answer() {}, notify: () => false };
    submitBatch(context.exchange, { session, batch, reply });
    return new Response(null, { status: 202 });
  }
  const reply = new PostReply(context, {
    accepts,
    id: "null",
    batch: count,
    openStream: () => context.resumable.open(session, "null"),
  });
  submitBatch(context.exchange, {
    session,
    batch,
    reply: {
      answer: (text, id) => reply.answer(text, undefined, id),
      notify: (text) => reply.notify(text),
    },
  });
  return reply.response;
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
  const { id } = message;
  const { sessions, absence } = context;
  const session = createSession(sessions, { endpoint, project: projectOf(request), message });
  const headers = { [SESSION_HEADER]: session.id };
  let call: Call | undefined;
  const reply = new PostReply(context, {
    ...{ accepts, id, headers },
    // Once the response is a stream, it tells.
    onLeft: () => call?.cancel("the client left"),
    // A client that is told of a session believes in it, whatever else it is told.
    headersOf: () => ({}),
  });
  try {
    call = context.exchange.request(session, message, {
      answer(text, fault) {
        if (fault !== undefined) sessions.end(session, "it could not begin");
        reply.answer(text, fault);
      },
      notify: (text) => reply.notify(text),
    });
  } catch (error) {
    reply.drop();
    sessions.end(session, "it could not begin");
    throw error;
  }
  if (call.settled) return reply.response;
  // Without this answer nobody knows the session's id.
  using _absence = absence.add({ request, call });
  // Asked for now, and not when `absence` does: a signal tells only of who leaves after that.
  const { signal } = request;
  const response = await reply.response;
  if (signal.aborted && !session.ended) sessions.end(session, "its client left before it began");
  return response;
}

function findSession(
  context: InboundContext,
  { request, endpoint, sessionId }: {
    request: Request;
    endpoint: Endpoint;
    sessionId: string | null;
  },
): Session | Promise<Session> {
  if (sessionId === null) {
    throw new Fault(
      "invalid_request",
      "Missing Mcp-Session-Id: send initialize first, and its answer's session id with every " +
        "request after it",
    );
  }
  return context.sessions.find(sessionId, { kind: "mcp", endpoint, project: projectOf(request) });
}

function notAcceptable(): Fault {
  return new Fault(
    "invalid_request",
    "Not acceptable: Accept must name application/json and text/event-stream",
    { status: 406 },
  );
}
