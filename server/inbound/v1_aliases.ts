/**
 * `/mcp/v1/…`: other names for what `/mcp` does, for clients that want a session in the answer's body
 * and one address for each thing. The sessions are the same: they end with `DELETE /mcp`, and are found
 * there, too.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, stringifyJson } from "../../protocol/json.ts";
import { parseMessageJson, readMessage, type RequestMessage } from "../../protocol/message.ts";
import type { Call } from "../exchange/call.ts";
import { readJsonBody } from "./body.ts";
import { type InboundContext, refusalResponse, requireEndpoint } from "./context.ts";
import { createSession } from "./initialize.ts";
import { projectOf } from "./project.ts";
import { openStream, postMessage } from "./streamable_http.ts";

const SESSION_HEADERS = ["mcp-session-id", "x-session-id"];

/**
 * `POST /mcp/v1/init`: the params of `initialize`, or the whole message. Answers
 * `{"sessionId": …, "result": …}`.
 */
export async function postInit(context: InboundContext, request: Request): Promise<Response> {
  const message = readInit(await readJsonBody(request, context));
  const { sessions, exchange, log, absence } = context;
  const { id } = message;
  try {
    const endpoint = requireEndpoint(context, undefined);
    if (exchange.refusal !== undefined) throw exchange.refusal;
    const session = createSession(sessions, { endpoint, project: projectOf(request), message });
    const answered = Promise.withResolvers<string>();
    let call: Call;
    try {
      call = exchange.request(session, message, {
        answer(text, fault) {
          if (fault === undefined) return answered.resolve(text);
          sessions.end(session, "it could not begin");
          answered.reject(fault);
        },
        notify: () => false,
      });
    } catch (error) {
      sessions.end(session, "it could not begin");
      throw error;
    }
    using _absence = call.settled ? undefined : absence.add({ request, call });
    const text = await answered.promise;
    const answer = parseMessageJson(text) as { result?: unknown };
    const body = "result" in answer
      ? stringifyJson({ sessionId: session.id, result: answer.result })
      : text;
    return new Response(body, {
      headers: { "content-type": "application/json", "mcp-session-id": session.id },
    });
  } catch (error) {
    return refusalResponse(error, { id, log });
  }
}

/**
 * `POST /mcp/v1/message`: one message. Its session is the one that `Mcp-Session-Id`, `X-Session-ID` or
 * `?sessionId=` names.
 */
export function postV1Message(context: InboundContext, request: Request): Promise<Response> {
  const named = SESSION_HEADERS.map((name) => request.headers.get(name)).find((id) => id !== null);
  const sessionId = named ?? new URL(request.url).searchParams.get("sessionId") ?? undefined;
  return postMessage(context, { request, server: undefined, sessionId });
}

/** `GET /mcp/v1/stream/{sessionId}`. */
export function openV1Stream(
  context: InboundContext,
  { request, sessionId }: { request: Request; sessionId: string },
): Promise<Response> {
  return openStream(context, { request, server: undefined, sessionId });
}

function readInit(text: string): RequestMessage {
  const value = parseMessageJson(text);
  if (isObject(value) && !("jsonrpc" in value) && !("method" in value)) {
    return { kind: "request", id: "0", method: "initialize", params: value };
  }
  const message = readMessage(value);
  if (message.kind === "request" && message.method === "initialize") return message;
  throw new Fault(
    "invalid_request",
    "Cannot begin a session: send the params of initialize, or the whole initialize request",
  );
}
