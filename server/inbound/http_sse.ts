/**
 * HTTP+SSE, the transport of MCP 2024-11-05: `GET /sse` opens a stream whose first event names the
 * address for POSTs; everything the server has to say comes by the stream. The session begins with the
 * stream and ends with it: that revision has no way to come back to one.
 *
 * Source: MCP 2024-11-05, basic/transports, "HTTP with SSE".
 *
 * @module
 */

import { sseText } from "../../protocol/sse.ts";
import { Fault } from "../../protocol/errors.ts";
import { Mailbox } from "../exchange/mailbox.ts";
import { sessionNotFound } from "../exchange/sessions.ts";
import { readJsonBody } from "./body.ts";
import { Connection, type Outlet } from "./connection.ts";
import { type InboundContext, refusalResponse, requireEndpoint } from "./context.ts";
import { eventStreamResponse } from "./event_stream.ts";
import { type Incoming, parseIncoming } from "./incoming.ts";
import { projectOf } from "./project.ts";
import { checkVersion, VERSION_HEADER } from "./version.ts";

/** A request and the server its path names, if any. */
export interface SseRequest {
  request: Request;
  server: string | undefined;
}

/** The outlet of a stream: what its client has not read yet waits, within the bounds of a mailbox. */
class StreamOutlet implements Outlet {
  readonly mailbox: Mailbox;

  constructor(mailbox: Mailbox) {
    this.mailbox = mailbox;
  }

  send(text: string, answerTo?: string): void {
    this.mailbox.post(text, answerTo);
  }

  end(): void {
    this.mailbox.finish();
  }
}

/** The streams that are open, by their connection: one that is not here is another transport's. */
const outlets = new WeakMap<Connection, StreamOutlet>();

/** `GET`: opens the stream. */
export function openSse(context: InboundContext, { request, server }: SseRequest): Response {
  const endpoint = requireEndpoint(context, server);
  const { clock, limits, exchange } = context;
  if (exchange.refusal !== undefined) throw exchange.refusal;
  const outlet = new StreamOutlet(
    new Mailbox({
      maxEvents: limits.maxStreamEvents,
      maxBytes: limits.maxStreamBytes + limits.maxServerMessageBytes,
      keep: true,
    }),
  );
  const connection = new Connection({ context, endpoint, project: projectOf(request), outlet });
  outlets.set(connection, outlet);
  return eventStreamResponse({
    mailbox: outlet.mailbox,
    clock,
    greeting: sseText({ event: "endpoint", data: addressOf(connection, { request, server }) }),
    onClose: () => connection.close("the client closed its stream"),
  });
}

/** `POST`: one message, or a batch where the revision has it. Its answer comes by the stream. */
export async function postToSse(
  context: InboundContext,
  { request, server }: SseRequest,
): Promise<Response> {
  const incoming = parseIncoming(await readJsonBody(request, context));
  try {
    checkVersion(request.headers.get(VERSION_HEADER));
    const connection = findConnection(context, { request, server });
    const { mailbox } = outlets.get(connection)!;
    if (mailbox.full && incoming.kind !== "notification" && incoming.kind !== "response") {
      throw new Fault(
        "overloaded",
        `The stream of session ${connection.id} is not read: ${mailbox.waiting} messages wait for it`,
      );
    }
    connection.take(incoming);
    return new Response("Accepted", { status: 202 });
  } catch (error) {
    return refusalResponse(error, { id: idOf(incoming), log: context.log });
  }
}

function findConnection(context: InboundContext, { request, server }: SseRequest): Connection {
  const endpoint = requireEndpoint(context, server);
  const id = new URL(request.url).searchParams.get("sessionId");
  if (id === null) {
    throw new Fault(
      "invalid_request",
      "Missing sessionId: open the stream with GET /sse, and post to the address that its first " +
        "event names",
    );
  }
  const connection = context.connections.get(id);
  if (connection === undefined || connection.endpoint !== endpoint || !outlets.has(connection)) {
    throw sessionNotFound(id);
  }
  return connection;
}

/**
 * Address for POSTs, as a path: the client resolves it against the address it dialed, whatever name it
 * has there. What the client had put behind `?` goes along.
 */
function addressOf({ id }: Connection, { request, server }: SseRequest): string {
  const path = server === undefined ? "/messages" : `/mcp/${encodeURIComponent(server)}/messages`;
  const query = new URL(request.url).searchParams;
  query.delete("sessionId");
  return `${path}?${new URLSearchParams([["sessionId", id], ...query])}`;
}

function idOf(incoming: Incoming): string | undefined {
  return incoming.kind === "request" ? incoming.id : undefined;
}
