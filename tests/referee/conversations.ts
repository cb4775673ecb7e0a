/**
 * From recorded wires to conversations: bytes to messages, and HTTP requests to the sessions they belong
 * to. Written against the specification's text and with another parser of events than the daemon's, so
 * that a mistake in how it frames messages is not made here again.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import { type Conversation, Unreadable } from "./conversation.ts";
import type { Begins, RecordedWire } from "./transcript.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

type HttpBegins = Extract<Begins, { method: string }>;

/** A conversation under construction. */
interface Growing extends Conversation {
  fromClient: Json[];
  fromServer: Json[];
  /** Events that were seen, by id: a stream that is taken up again repeats them. */
  events: Set<string>;
}

/** JSON-RPC without a handshake: the daemon's own, see `docs/api.md`. */
const LIGHT = /^\/rpc\b|^\/mcp\/[^/]+\/command\b/;
/** Beside MCP on the same port. */
const NOT_MCP = /^\/mcp\/servers\b|^\/mcp\/[^/]+\/(?:start|stop|restart)\b|^\/session\b/;

/** The conversations of all wires. */
export function conversationsOf(wires: readonly RecordedWire[]): Conversation[] {
  const conversations: Conversation[] = [];
  const sessions = new Map<string, Growing>();
  /** Sessions with remote servers that name none: the last one at each address. */
  const nameless = new Map<string, Growing>();
  for (const wire of wires) {
    const { begins } = wire;
    switch (begins.kind) {
      case "daemon":
        break;
      case "http":
      case "remote": {
        const conversation = addExchange(wire, begins, { sessions, nameless });
        if (conversation !== undefined) conversations.push(conversation);
        break;
      }
      case "websocket":
        conversations.push(frames(`websocket ${begins.path}`, "server", wire));
        break;
      case "remote websocket":
        conversations.push(frames(`websocket ${begins.url}`, "client", wire));
        break;
      case "lines": {
        const conversation = addLines(wire, begins.over, sessions);
        if (conversation !== undefined) conversations.push(conversation);
        break;
      }
      case "bridge":
        conversations.push(lines("stdio bridge", "server", wire));
        break;
      case "child":
        conversations.push(lines(`child ${begins.pid}`, "client", wire));
    }
  }
  return conversations;
}

/**
 * Adds what was said over a connection to the session that its first line names. What both sides say of
 * the connection itself is no message.
 *
 * @returns a conversation of its own where it names none.
 */
function addLines(
  wire: RecordedWire,
  over: string,
  sessions: Map<string, Growing>,
): Conversation | undefined {
  const conversation = lines(`lines over ${over}`, "server", wire);
  const isMessage = (said: Json) => said?.aichaku === undefined;
  const fromClient = conversation.fromClient.filter(isMessage);
  const fromServer = conversation.fromServer.filter(isMessage);
  const session = sessions.get(`http ${conversation.fromClient[0]?.aichaku?.session}`);
  if (session === undefined) return { ...conversation, fromClient, fromServer };
  session.fromClient.push(...fromClient);
  session.fromServer.push(...fromServer);
  if (conversation.incomplete) session.incomplete = true;
  return undefined;
}

function whole(name: string, ours: Conversation["ours"], { cut }: RecordedWire) {
  return { name, ours, incomplete: cut.length > 0 };
}

function frames(name: string, ours: Conversation["ours"], wire: RecordedWire): Conversation {
  const read = (frames: Uint8Array[]) => frames.map((frame) => parse(textOf(frame)));
  return {
    ...whole(name, ours, wire),
    fromClient: read(wire.said.client),
    fromServer: read(wire.said.server),
  };
}

function lines(name: string, ours: Conversation["ours"], wire: RecordedWire): Conversation {
  const read = (chunks: Uint8Array[]) => {
    const all = textOf(...chunks).split("\n");
    // Behind the last line end is nothing, or half a line, or one whose end was left out.
    const last = parse(all.pop()!);
    const messages = all.filter((line) => line.trim() !== "").map(parse);
    return last instanceof Unreadable ? messages : [...messages, last];
  };
  return {
    ...whole(name, ours, wire),
    fromClient: read(wire.said.client),
    fromServer: read(wire.said.server),
  };
}

/** Adds a request and its response to their session. @returns a conversation that has begun. */
function addExchange(
  wire: RecordedWire,
  begins: HttpBegins,
  { sessions, nameless }: Record<"sessions" | "nameless", Map<string, Growing>>,
): Conversation | undefined {
  const { kind, method, path } = begins;
  if (kind === "http" && NOT_MCP.test(path)) return undefined;
  const events = eventsOf(wire);
  const fromClient = messagesOfClient(wire, begins);
  const isInitialize = fromClient.some((message) => message?.method === "initialize");
  const session = begins.session ?? wire.response?.session ?? namedIn(path) ??
    events.map(({ event, data }) => event === "endpoint" ? namedIn(data) : undefined)
      .find((id) => id !== undefined);
  const address = `${wire.pid} ${path}`;
  const isLegacy = fromClient.length > 0 && !fromClient.some(isModern);
  let found = session === undefined ? undefined : sessions.get(`${kind} ${session}`);
  if (kind === "remote" && session === undefined && isLegacy && !isInitialize) {
    found = nameless.get(address);
  }
  const conversation: Growing = found ?? {
    ...whole(`${kind} ${method} ${path}${session ? ` session ${session}` : ""}`, "server", wire),
    ours: kind === "http" ? "server" : "client",
    ...(kind === "http" && LIGHT.test(path) ? { light: true } : {}),
    revision: begins.version,
    fromClient: [],
    fromServer: [],
    events: new Set(),
  };
  if (wire.cut.length > 0) conversation.incomplete = true;
  if (session !== undefined) sessions.set(`${kind} ${session}`, conversation);
  if (isInitialize) nameless.set(address, conversation);
  const said = new Set(kind === "remote" ? conversation.fromClient.map(shown) : []);
  // What certainly was not executed is sent to a remote server again.
  conversation.fromClient.push(...fromClient.filter((message) => !said.has(shown(message))));
  if (wire.missed !== undefined) {
    conversation.fromServer.push(new Unreadable(`${wire.missed} was not recorded`));
  }
  conversation.fromServer.push(...messagesOfServer(wire, { begins, fromClient }));
  for (const { id, event, data } of events) {
    if (event !== undefined && event !== "message") continue;
    // Without data: the beginning of a stream that can be taken up again.
    if (data === "" || id !== undefined && conversation.events.has(`${id} ${data}`)) continue;
    if (id !== undefined) conversation.events.add(`${id} ${data}`);
    conversation.fromServer.push(parse(data));
  }
  return found === undefined ? conversation : undefined;
}

function messagesOfClient({ said }: RecordedWire, { path }: HttpBegins): Json[] {
  if (said.client.length === 0) return [];
  const message = parse(textOf(...said.client));
  if (/^\/mcp\/v1\/init\b/.test(path) && message?.method === undefined) {
    return [{ jsonrpc: "2.0", id: "init", method: "initialize", params: message }];
  }
  return [message];
}

/** What a response says that is no stream. */
function messagesOfServer(
  { said, response, cut }: RecordedWire,
  { begins, fromClient }: { begins: HttpBegins; fromClient: Json[] },
): Json[] {
  // A receipt of `/rpc` is no message.
  if (!/^application\/json\b/.test(response?.type ?? "") || response?.status === 202) return [];
  if (said.server.length === 0 || cut.includes("server")) return [];
  const message = parse(textOf(...said.server));
  if (/^\/mcp\/v1\/init\b/.test(begins.path) && message?.result !== undefined) {
    return [{ jsonrpc: "2.0", id: fromClient[0]?.id, result: message.result }];
  }
  return [message];
}

interface Event {
  id?: string;
  event?: string;
  data: string;
}

function eventsOf({ said, response }: RecordedWire): Event[] {
  if (!/^text\/event-stream\b/.test(response?.type ?? "")) return [];
  const events: Event[] = [];
  const parser = createParser({ onEvent: (event) => void events.push(event) });
  parser.feed(textOf(...said.server));
  return events;
}

/** The session that an address names. */
function namedIn(path: string): string | undefined {
  // A path may begin with two slashes, which are no host.
  const { pathname, searchParams } = new URL(`http://localhost${path}`);
  const last = /^\/(?:sse|mcp\/v1\/stream)\/([^/]+)$/.exec(pathname)?.[1];
  return last ?? searchParams.get("sessionId") ?? undefined;
}

function isModern(message: Json): boolean {
  return message?.params?._meta?.["io.modelcontextprotocol/protocolVersion"] !== undefined;
}

function textOf(...chunks: Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return new Unreadable(text); // For the referee to blame.
  }
}

function shown(message: Json): string {
  return JSON.stringify(message);
}
