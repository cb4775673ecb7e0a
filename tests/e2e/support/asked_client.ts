/**
 * Clients that can be asked: both lines of the official SDK, with elicitation, sampling and, where a test
 * wants it, roots. Each answers with its own name, and notes every question it was asked.
 *
 * @module
 */

import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from "@modelcontextprotocol/client";
import type { Json } from "./mcp_session.ts";

/** How a client is made. */
export interface AskedClientOptions {
  /** Line of the SDK. */
  line: "v1" | "v2";
  /** Endpoint. */
  url: string;
  /** Its answer to every question. */
  name: string;
  /** Addresses of its roots; without them it declares none. */
  roots?: string[];
  /** Whether it declares elicitation and sampling. Default true. */
  able?: boolean;
  headers?: Record<string, string>;
}

/** A client and what it was asked. */
export interface AskedClient extends AsyncDisposable {
  readonly name: string;
  /** The message of every elicitation and sampling, in order. */
  readonly questions: string[];
  /** Visits of URLs that it was told the end of, in order. */
  readonly visits: string[];
  /** Times it was asked for its roots. */
  rootsAsked: number;
  /** Its roots; a test may change them. */
  roots: string[];
  /** Calls a tool and gives the first text of its result. Fails when the tool or the daemon did. */
  call(name: string, args?: Json, options?: { signal?: AbortSignal }): Promise<string>;
  /** Tells that its roots are others. */
  sayRootsChanged(): Promise<void>;
  /** Goes away without a word. */
  close(): Promise<void>;
}

/** Connects a client. */
export async function askedClient(options: AskedClientOptions): Promise<AskedClient> {
  const { line, url, name, roots, able = true, headers } = options;
  const capabilities = {
    ...(able ? { elicitation: { form: {}, url: {} }, sampling: {} } : {}),
    ...(roots === undefined ? {} : { roots: { listChanged: true } }),
  };
  const info = { name, version: "1.0.0" };
  const self = { questions: [] as string[], visits: [] as string[], rootsAsked: 0, roots };
  const onElicit = ({ params }: Json) => {
    self.questions.push(params.message);
    return params.mode === "url"
      ? { action: "accept" as const }
      : { action: "accept" as const, content: { answer: name } };
  };
  const onSample = ({ params }: Json) => {
    self.questions.push(params.messages[0].content.text);
    return {
      role: "assistant" as const,
      content: { type: "text" as const, text: name },
      model: name,
    };
  };
  const onRoots = () => {
    self.rootsAsked++;
    return { roots: (self.roots ?? []).map((uri) => ({ uri })) };
  };
  const requestInit = { headers };
  // None: the v1 line forgets all timers but the last with which it would come back to streams that
  // have ended, and leaves them running when it is closed.
  const reconnectionOptions = {
    maxRetries: 0,
    initialReconnectionDelay: 1_000,
    maxReconnectionDelay: 1_000,
    reconnectionDelayGrowFactor: 1,
  };
  // deno-lint-ignore no-explicit-any -- the two lines are alike, and their types are not the same
  let client: any;
  let transport: { terminateSession(): Promise<void> };
  if (line === "v1") {
    client = new ClientV1(info, { capabilities });
    if (able) {
      client.setRequestHandler(ElicitRequestSchema, onElicit);
      client.setRequestHandler(CreateMessageRequestSchema, onSample);
    }
    if (roots !== undefined) client.setRequestHandler(ListRootsRequestSchema, onRoots);
    transport = new TransportV1(new URL(url), { requestInit, reconnectionOptions });
  } else {
    client = new ClientV2(info, { capabilities });
    if (able) {
      client.setRequestHandler("elicitation/create", onElicit);
      client.setRequestHandler("sampling/createMessage", onSample);
    }
    if (roots !== undefined) client.setRequestHandler("roots/list", onRoots);
    transport = new TransportV2(new URL(url), { requestInit });
  }
  client.fallbackNotificationHandler = ({ method, params }: Json) => {
    if (method === "notifications/elicitation/complete") self.visits.push(params.elicitationId);
    return Promise.resolve();
  };
  await client.connect(transport);
  return Object.assign(self, {
    name,
    roots: roots ?? [],
    async call(tool: string, args: Json = {}, { signal }: { signal?: AbortSignal } = {}) {
      const params = { name: tool, arguments: args };
      const { content, isError } = await (line === "v1"
        ? client.callTool(params, undefined, { signal })
        : client.callTool(params, { signal }));
      if (isError) {
        throw new Error(content[0].text);
      }
      return content[0].text as string;
    },
    sayRootsChanged: () =>
      client.sendRootsListChanged(),
    close: () => client.close(),
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  });
}

/** Ends several clients at once. */
export function together(clients: readonly AskedClient[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}
