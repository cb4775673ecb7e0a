/**
 * `/rpc`, its `/sse` stream and `/session`: JSON-RPC for curl and hooks. No handshake; a light session
 * is minted on the first request and named in `X-Session-ID`. Also `/mcp/{server}/command`: one
 * message in, its answer out, no session at all.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { parseMessage, type RequestMessage } from "../../protocol/message.ts";
import { sseText } from "../../protocol/sse.ts";
import type { Call, Reply } from "../exchange/call.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Mailbox } from "../exchange/mailbox.ts";
import type { Session } from "../exchange/session.ts";
import { checkPlace, sessionNotFound } from "../exchange/sessions.ts";
import type { Waiting } from "./absence.ts";
import { readJsonBody } from "./body.ts";
import { faultHeaders, type InboundContext, refusalResponse } from "./context.ts";
import { eventStreamResponse } from "./event_stream.ts";
import { projectOf } from "./project.ts";
import { type Accepts, PostReply, readAccept } from "./replies.ts";
import { refuseUnknownServer } from "./unknown_server.ts";

const SESSION_HEADER = "x-session-id";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A request and the server its path names, if any. */
export interface RpcRequest {
  request: Request;
  server: string | undefined;
}

/**
 * `POST /rpc[/{server}]`: one message. The answer comes in the response, or, while the session has an
 * open stream, there.
 */
export async function postRpc(
  context: InboundContext,
  { request, server }: RpcRequest,
): Promise<Response> {
  const endpoint = context.endpoint(server);
  if (endpoint === undefined) return await refuseUnknownServer(context, { request, server });
  const message = parseMessage(await readJsonBody(request, context));
  const id = message.kind === "request" ? message.id : undefined;
  let headers: Record<string, string> = {};
  try {
    const session = lightSession(context, request, endpoint);
    headers = { [SESSION_HEADER]: session.id };
    if (message.kind !== "request") {
      context.exchange.notification(session, message);
      return new Response(null, { status: 202, headers });
    }
    if (session.mailbox.attached) {
      if (session.mailbox.full) {
        throw new Fault(
          "overloaded",
          `The stream of session ${session.id} is not read: ${session.mailbox.waiting} messages ` +
            `wait for it`,
        );
      }
      const reply = new MailboxReply(session.mailbox, message.id);
      context.exchange.request(session, message, reply);
      const receipt = {
        sessionId: session.id,
        message: "Request sent, response will arrive via SSE",
      };
      return Response.json(receipt, { status: 202, headers });
    }
    const accepts = readAccept(request.headers.get("accept"));
    return await answerInPost(context, { request, accepts, session, message, headers });
  } catch (error) {
    return refusalResponse(error, { id, headers, log: context.log });
  }
}

/** `POST /mcp/{server}/command`: a message in, its answer out. */
export async function postCommand(
  context: InboundContext,
  { request, server }: RpcRequest,
): Promise<Response> {
  const endpoint = context.endpoint(server);
  if (endpoint === undefined) return await refuseUnknownServer(context, { request, server });
  const message = parseMessage(await readJsonBody(request, context));
  let session: Session | undefined;
  try {
    session = context.sessions.create({ kind: "light", endpoint, project: projectOf(request) });
    if (message.kind === "request") {
      // Never a stream: the session ends with the response.
      const accepts = { json: true, eventStream: false };
      return await answerInPost(context, { request, accepts, session, message, headers: {} });
    }
    context.exchange.notification(session, message);
    return new Response(null, { status: 202 });
  } catch (error) {
    const id = message.kind === "request" ? message.id : undefined;
    return refusalResponse(error, { id, log: context.log });
  } finally {
    if (session !== undefined) context.sessions.end(session, "its one message was answered");
  }
}

/** `GET /sse` with a session: its stream, beginning with what waited for it. */
export function openSessionStream(
  context: InboundContext,
  { request, sessionId }: { request: Request; sessionId: string },
): Response {
  const session = requireLightSession(context, sessionId);
  return eventStreamResponse({
    mailbox: session.mailbox,
    clock: context.clock,
    eventId: String,
    lastSeen: readLastEventId(request.headers.get("last-event-id")),
    greeting: sseText({ event: "connected", data: JSON.stringify({ sessionId: session.id }) }),
    headers: { [SESSION_HEADER]: session.id },
    onClose: () => session.touch(),
  });
}

/** `DELETE /session`: ends it. */
export function deleteLightSession(context: InboundContext, request: Request): Response {
  const id = request.headers.get(SESSION_HEADER);
  if (id === null) {
    throw new Fault("invalid_request", "Missing X-Session-ID: name the session to end");
  }
  const session = requireLightSession(context, id);
  context.sessions.end(session, "the client ended its session");
  return new Response(null, { status: 204 });
}

interface PostRequest {
  request: Request;
  accepts: Accepts;
  session: Session;
  message: RequestMessage;
  headers: Record<string, string>;
}

function answerInPost(
  context: InboundContext,
  { request, accepts, session, message, headers }: PostRequest,
): Promise<Response> {
  let call: Call | undefined;
  const reply = new PostReply(context, {
    id: message.id,
    accepts,
    headers,
    // Once the response is a stream, it tells.
    onLeft: () => call?.cancel("the client left"),
    statusOf: (fault) => fault.httpStatus,
    headersOf: (fault) => ({ ...headers, ...faultHeaders(fault) }),
  });
  try {
    call = context.exchange.request(session, message, reply);
  } catch (error) {
    reply.drop();
    throw error;
  }
  // Most of what the daemon answers itself is answered by now.
  return call.settled ? reply.response : untilAnswered({ request, call });

  async function untilAnswered(waiting: Waiting): Promise<Response> {
    using _absence = context.absence.add(waiting);
    return await reply.response;
  }
}

/** Finds the session, or begins it: with a new id, or with the client's own. */
function lightSession(context: InboundContext, request: Request, endpoint: Endpoint): Session {
  const { sessions } = context;
  const place = { kind: "light", endpoint, project: projectOf(request) } as const;
  const id = request.headers.get(SESSION_HEADER);
  if (id === null) return sessions.create(place);
  const known = sessions.get(id);
  if (known !== undefined) {
    checkPlace(known, place);
    known.touch();
    return known;
  }
  if (!UUID.test(id)) {
    throw new Fault(
      "invalid_request",
      `Cannot begin session ${
        JSON.stringify(id.slice(0, 80))
      }: X-Session-ID must be a UUID; leave ` +
        `it out to get one`,
    );
  }
  return sessions.create({ ...place, id });
}

function requireLightSession(context: InboundContext, id: string): Session {
  const session = context.sessions.get(id);
  if (session?.kind !== "light") throw sessionNotFound(id);
  session.touch();
  return session;
}

function readLastEventId(header: string | null): number | undefined {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** Answers by the session's stream, or, when that is lost meanwhile, by its next one. */
class MailboxReply implements Reply {
  readonly #mailbox: Mailbox;
  readonly #id: string;

  constructor(mailbox: Mailbox, id: string) {
    this.#mailbox = mailbox;
    this.#id = id;
  }

  answer(text: string): void {
    this.#mailbox.post(text, this.#id);
  }

  notify(text: string): boolean {
    this.#mailbox.post(text);
    return true;
  }
}
