/**
 * MCP Streamable HTTP by hand: every id, header and message as the test wants it, and every answer as
 * it came. For clients as they really are, see `tests/fixtures/peers.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EventReader } from "./event_reader.ts";
import { within } from "./within.ts";

// What comes over the wire is what a test looks at: any JSON.
// deno-lint-ignore no-explicit-any
export type Json = any;

/** What came back for one POST. */
export interface Outcome {
  status: number;
  headers: Headers;
  /** The JSON-RPC response; undefined when the body was empty or had none. */
  answer: Json;
  /** What came before it on the same response. */
  notifications: Json[];
}

/** How a session begins. */
export interface BeginOptions {
  /** Base URL of the daemon. */
  url: string;
  /** Default: all servers together. */
  server?: string;
  /** Revision that is asked for. Default 2025-11-25. */
  version?: string;
  /** Capabilities it declares. Default none. */
  capabilities?: Json;
  /** The project that the address of every request names. */
  project?: string;
}

/** Options of a request. */
export interface RequestOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One session of one client. */
export class McpSession {
  readonly id: string;
  readonly url: string;
  readonly version: string;
  #told = 0;

  private constructor(id: string, url: string, version: string) {
    this.id = id;
    this.url = url;
    this.version = version;
  }

  /** `initialize` and `notifications/initialized`. */
  static async begin(options: BeginOptions): Promise<McpSession> {
    const { version = "2025-11-25" } = options;
    const endpoint = endpointOf(options);
    const { status, headers, answer } = await tryBegin(options);
    assert.equal(status, 200);
    assert.ok(answer.result, `initialize failed: ${JSON.stringify(answer)}`);
    const session = new McpSession(headers.get("mcp-session-id")!, endpoint, version);
    const said = await session.post({ jsonrpc: "2.0", method: "notifications/initialized" });
    assert.equal(said.status, 202);
    return session;
  }

  /** The headers of every request of this session. */
  get headers(): Record<string, string> {
    return { "mcp-session-id": this.id, "mcp-protocol-version": this.version };
  }

  /** Posts one message, or any text as it is, and reads the whole answer. */
  post(message: Json, { headers, signal }: RequestOptions = {}): Promise<Outcome> {
    return postJson(this.url, message, { headers: { ...this.headers, ...headers }, signal });
  }

  /** Makes a request. */
  request(id: unknown, method: string, params?: Json, options?: RequestOptions): Promise<Outcome> {
    return this.post({ jsonrpc: "2.0", id, method, params }, options);
  }

  /** Calls a tool. */
  call(
    id: unknown,
    name: string,
    args: Json = {},
    { progressToken, ...options }: RequestOptions & { progressToken?: unknown } = {},
  ): Promise<Outcome> {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return this.request(id, "tools/call", { name, arguments: args, ...meta }, options);
  }

  /** Calls a tool under an id of its own and gives its text. Fails when there is none. */
  async tell(name: string, args: Json = {}): Promise<string> {
    return textOf(await this.call(`told ${this.#told++}`, name, args));
  }

  /** Cancels the request `id`. */
  async cancel(id: unknown): Promise<void> {
    const params = { requestId: id, reason: "the user said so" };
    const said = await this.post({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    assert.equal(said.status, 202);
  }

  /** Opens the GET stream. */
  async openStream(): Promise<EventReader> {
    const response = await within(
      fetch(this.url, { headers: { ...this.headers, accept: "text/event-stream" } }),
      "the GET stream",
    );
    assert.equal(response.status, 200);
    return new EventReader(response);
  }

  /** Ends the session. @returns the status. */
  async end(): Promise<number> {
    const response = await fetch(this.url, { method: "DELETE", headers: this.headers });
    await response.body?.cancel();
    return response.status;
  }
}

/** Only `initialize`, however it ends. */
export function tryBegin(options: BeginOptions & RequestOptions): Promise<Outcome> {
  const { version = "2025-11-25", capabilities = {}, headers } = options;
  const message = initialize(version);
  message.params.capabilities = capabilities;
  return postJson(endpointOf(options), message, { headers });
}

function endpointOf({ url, server, project }: BeginOptions): string {
  const path = server === undefined ? `${url}/mcp` : `${url}/mcp/${server}`;
  return project === undefined ? path : `${path}?project=${encodeURIComponent(project)}`;
}

/** The `initialize` request of a client. */
export function initialize(version: string, clientInfo: Json = { name: "test", version: "1" }) {
  const params = { protocolVersion: version, capabilities: {}, clientInfo };
  return { jsonrpc: "2.0", id: 0, method: "initialize", params };
}

/** Posts a message, or any text as it is, and reads the whole response. */
export function postJson(url: string, message: Json, options?: RequestOptions): Promise<Outcome> {
  const outcome = exchange(url, message, options);
  // When a test fails, nobody waits for its calls in flight any more: they must not end the whole run.
  outcome.catch(() => {});
  return outcome;
}

async function exchange(
  url: string,
  message: Json,
  { headers, signal }: RequestOptions = {},
): Promise<Outcome> {
  const response = await within(
    fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        ...headers,
      },
      body: typeof message === "string" ? message : JSON.stringify(message),
      signal,
    }),
    `a response from ${url}`,
  );
  return { status: response.status, headers: response.headers, ...await readMessages(response) };
}

/** The text a tool answered with. Fails when it was an error. */
export function textOf({ answer }: Pick<Outcome, "answer">): string {
  assert.ok(answer?.result?.content, `not a tool's result: ${JSON.stringify(answer)}`);
  return answer.result.content[0].text;
}

/** What a test compares of an error: its code and its reason. */
export function errorOf({ answer }: Pick<Outcome, "answer">): { code: number; reason: string } {
  assert.ok(answer?.error, `not an error: ${JSON.stringify(answer)?.slice(0, 300)}`);
  return { code: answer.error.code, reason: answer.error.data?.reason };
}

async function readMessages(
  response: Response,
): Promise<Pick<Outcome, "answer" | "notifications">> {
  if (response.headers.get("content-type") === "text/event-stream") {
    await using events = new EventReader(response);
    const messages = await events.rest();
    const answers = messages.filter((message) => "id" in message && !("method" in message));
    assert.ok(answers.length <= 1, `several answers: ${JSON.stringify(answers)}`);
    const notifications = messages.filter((message) => "method" in message);
    return { answer: answers[0], notifications };
  }
  const text = await within(response.text(), "the rest of the response");
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return { answer: isJson ? JSON.parse(text) : undefined, notifications: [] };
}
