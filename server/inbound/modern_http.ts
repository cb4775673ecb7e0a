/**
 * MCP Streamable HTTP of the modern era, revision 2026-07-28, at the same addresses as the legacy one:
 * every POST stands for itself, names its client in its body, and is cancelled by leaving.
 *
 * A client that wants to be known again names itself, with `?client=KEY` or `X-Aichaku-Client`; one that
 * does not is as many clients as it makes requests.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Fault } from "../../protocol/errors.ts";
import type { Message } from "../../protocol/message.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { Call } from "../exchange/call.ts";
import type { Session } from "../exchange/session.ts";
import type { InboundContext } from "./context.ts";
import { checkModernHeaders, type ModernIdentity, readModernIdentity } from "./modern_request.ts";
import { projectOf } from "./project.ts";
import { type Accepts, PostReply } from "./replies.ts";

const CLIENT_HEADER = "x-aichaku-client";
const PARAM_HEADER = "mcp-param-";
/** Longest name of a client. */
const MAX_CLIENT_KEY = 256;

/** HTTP status of an error by its code, where the specification names one. */
const STATUS_OF_CODE: Readonly<Record<number, number>> = {
  [-32700]: 400,
  [-32600]: 400,
  [-32601]: 404,
  [-32020]: 400,
  [-32021]: 400,
  [-32022]: 400,
};

/** What is to be answered. */
export interface ModernPost {
  request: Request;
  endpoint: Endpoint;
  accepts: Accepts;
  message: Message;
}

/**
 * Takes one message.
 *
 * @throws {Fault} for whatever never becomes a call.
 */
export async function postModern(
  context: InboundContext,
  { request, endpoint, accepts, message }: ModernPost,
): Promise<Response> {
  if (message.kind === "response") {
    throw new Fault(
      "invalid_request",
      `Cannot take an answer: in this revision nothing is asked outside of results`,
    );
  }
  // None means anything over HTTP: whoever cancels closes the response.
  if (message.kind === "notification") return new Response(null, { status: 202 });
  checkModernHeaders(request.headers, message);
  const session = sessionOf(context, { request, endpoint, identity: readModernIdentity(message) });
  let call: Call | undefined;
  const reply = new PostReply(context, {
    id: message.id,
    accepts,
    statusOf,
    statusOfText,
    onLeft: () => call?.cancel("the client left"),
  });
  const end = () => {
    if (session.kind === "request") context.sessions.end(session, "its one request was answered");
  };
  try {
    call = context.exchange.request(session, message, {
      answer(text, fault) {
        reply.answer(text, fault);
        end();
      },
      notify: (text) => reply.notify(text),
    }, { paramHeaders: () => paramHeadersOf(request.headers) });
  } catch (error) {
    reply.drop();
    end();
    throw error;
  }
  // Most of what the daemon answers itself is answered by now.
  if (call.settled) return reply.response;
  using _absence = context.absence.add({ request, call });
  return await reply.response;
}

/** The session of a request: that of a client which named itself, or one for this request alone. */
function sessionOf(
  { sessions }: InboundContext,
  { request, endpoint, identity }: {
    request: Request;
    endpoint: Endpoint;
    identity: ModernIdentity;
  },
): Session {
  const project = projectOf(request);
  const authorization = request.headers.get("authorization");
  // Not remembered: it is a secret.
  const principal = authorization === null ? "local" : hash(authorization);
  const client = clientKeyOf(request);
  const place = { endpoint, project, principal, ...identity };
  if (client === undefined) return sessions.create({ kind: "request", ...place });
  // Nothing that one principal, project or server keeps for a client is another's.
  const id = `client-${digest(JSON.stringify([endpoint.server, principal, project, client]))}`;
  const known = sessions.get(id);
  if (known?.kind === "modern" && known.endpoint !== endpoint) {
    // The server was taken out of the configuration meanwhile, and is another one now.
    sessions.end(known, "its server is not configured any more");
  } else if (known?.kind === "modern") {
    known.touch();
    return known;
  }
  return sessions.create({ kind: "modern", id, ...place });
}

/** How a client names itself. @throws {Fault} `invalid_params`. */
function clientKeyOf(request: Request): string | undefined {
  const named = request.url.includes("client=")
    ? new URL(request.url).searchParams.get("client")
    : null;
  const key = named ?? request.headers.get(CLIENT_HEADER);
  if (key === null || key === "") return undefined;
  if (key.length <= MAX_CLIENT_KEY) return key;
  throw new Fault(
    "invalid_params",
    `The name of a client (?client= or X-Aichaku-Client) has at most ${MAX_CLIENT_KEY} characters; ` +
      `this one has ${key.length}`,
  );
}

/** The headers that repeat arguments of a tool, by their names in lower case; empty when there are none. */
function paramHeadersOf(headers: Headers): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const [name, value] of headers) {
    if (name.startsWith(PARAM_HEADER)) params.set(name.slice(PARAM_HEADER.length), value);
  }
  return params;
}

function statusOf({ code }: Fault): number {
  return STATUS_OF_CODE[code] ?? 200;
}

/** The status of an answer that a server gave. Only an error has one of its own. */
function statusOfText(text: string, id: string): number {
  const start = text.startsWith(HEAD) ? HEAD.length + id.length : 0;
  if (!ERROR_STARTS.some((error) => text.startsWith(error, start))) return 200;
  try {
    const code = /"code":\s*(-?\d{1,10})/.exec(text.slice(0, 200))?.[1] ??
      JSON.parse(text).error?.code;
    return STATUS_OF_CODE[Number(code)] ?? 200;
  } catch {
    return 200; // No JSON, and no code: the client finds out as it would anywhere else.
  }
}

const HEAD = '{"jsonrpc":"2.0","id":';
const ERROR_STARTS = [',"error":', '{"error":', '{"jsonrpc":"2.0","error":'] as const;

function digest(text: string): string {
  if (text.length > MAX_REMEMBERED) return hash(text);
  let known = digests.get(text);
  if (known === undefined) {
    known = hash(text);
    if (digests.size >= MAX_DIGESTS) digests.clear();
    digests.set(text, known);
  }
  return known;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Those of short texts, made lately: a client says the same with every request. At most 256 KiB. */
const digests = new Map<string, string>();
const MAX_DIGESTS = 500;
const MAX_REMEMBERED = 512;
