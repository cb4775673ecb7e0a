/**
 * Clients of the matrix as they really are: both lines of the official SDK, on the transports they have.
 *
 * @module
 */

import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport as SseV1 } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport as StdioV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { WebSocketClientTransport as WebSocketV1 } from "@modelcontextprotocol/sdk/client/websocket.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import {
  Client as ClientV2,
  SSEClientTransport as SseV2,
  StreamableHTTPClientTransport as HttpV2,
} from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioV2 } from "@modelcontextprotocol/client/stdio";
import type { DaemonFixture } from "../../fixtures/daemon.ts";
import {
  answerOf,
  type MatrixCallOptions,
  type MatrixClient,
  Seen,
  textOf,
} from "./matrix_client.ts";
import type { Json } from "./mcp_session.ts";
import { within } from "./within.ts";

/** How a client is made. */
export interface SdkClientOptions {
  daemon: DaemonFixture;
  server: string;
  /** Line of the SDK, and how it negotiates: `v1`, `v2 legacy`, `v2 auto`, `v2 pinned`. */
  kind: string;
  /** A name of `TRANSPORTS`. */
  transport: string;
  name: string;
}

/** Connects a client. */
export async function sdkClient(options: SdkClientOptions): Promise<MatrixClient> {
  const client = new SdkClient(options);
  await within(client.connect(), `${options.name}: to connect`);
  return client;
}

const CAPABILITIES = { elicitation: { form: {} }, sampling: {} };
const MODES: Readonly<Record<string, Json>> = {
  "v2 legacy": "legacy",
  "v2 auto": "auto",
  "v2 pinned": { pin: "2026-07-28" },
};

class SdkClient implements MatrixClient {
  readonly seen = new Seen();
  readonly name: string;
  readonly #options: SdkClientOptions;
  readonly #client: Json;
  readonly #transport: Json;
  #isModern = false;

  constructor(options: SdkClientOptions) {
    const { kind, name } = options;
    this.#options = options;
    this.name = name;
    const info = { name, version: "1" };
    this.#client = kind === "v1"
      ? new ClientV1(info, { capabilities: CAPABILITIES })
      : new ClientV2(
        info,
        { capabilities: CAPABILITIES, versionNegotiation: { mode: MODES[kind] } },
      );
    this.#transport = this.#makeTransport();
    record(this.#transport, this.seen);
  }

  async connect(): Promise<void> {
    const { kind } = this.#options;
    const client = this.#client;
    const answer = (request: Json) => answerOf(this.name, this.seen, request);
    client.setRequestHandler(kind === "v1" ? ElicitRequestSchema : "elicitation/create", answer);
    client.setRequestHandler(
      kind === "v1" ? CreateMessageRequestSchema : "sampling/createMessage",
      answer,
    );
    client.fallbackNotificationHandler = (notification: Json) => {
      this.seen.notify(notification);
      return Promise.resolve();
    };
    await client.connect(this.#transport);
    this.#isModern = kind !== "v1" && client.getNegotiatedProtocolVersion() === "2026-07-28";
  }

  async list(): Promise<string[]> {
    const { tools } = await this.#client.listTools();
    return tools.map(({ name }: Json) => name);
  }

  async call(
    name: string,
    args: Json,
    { onProgress, signal }: MatrixCallOptions = {},
  ): Promise<string> {
    const params = { name, arguments: args };
    const options = {
      signal,
      ...(onProgress === undefined
        ? {}
        : { onprogress: ({ progress }: Json) => onProgress(progress) }),
    };
    const result = this.#options.kind === "v1"
      ? this.#client.callTool(params, undefined, options)
      : this.#client.callTool(params, options);
    result.catch(() => {}); // Whoever waits for it has it as well.
    return textOf(await within<Json>(result, `${this.name}: the answer of ${name}`));
  }

  async listen(uri: string): Promise<void> {
    if (!this.#isModern) return await this.#client.subscribeResource({ uri });
    await this.#client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.terminateSession?.();
    await this.#client.close();
  }

  #makeTransport(): Json {
    const { daemon, server, transport, kind, name } = this.#options;
    const isV1 = kind === "v1";
    const url = new URL(`${daemon.url}/mcp/${server}`);
    switch (transport) {
      case "Streamable HTTP": {
        // How a modern client says that it is one and the same; nothing to a legacy one.
        const requestInit = { headers: { "x-aichaku-client": name } };
        return isV1 ? new HttpV1(url, { requestInit }) : new HttpV2(url, { requestInit });
      }
      case "HTTP+SSE": {
        const address = new URL(`${url}/sse`);
        return isV1 ? new SseV1(address) : new SseV2(address);
      }
      case "WebSocket":
        return new WebSocketV1(new URL(`${url}/ws`.replace("http:", "ws:")));
      case "stdio bridge": {
        const { command, args } = daemon.program;
        const options = {
          command,
          args: [...args, "mcp", "--stdio", "--server", server],
          env: { ...daemon.env },
          stderr: "ignore" as const,
        };
        return isV1 ? new StdioV1(options) : new StdioV2(options);
      }
    }
    throw new Error(`The SDK has no transport ${transport}`);
  }
}

/** Keeps everything that passes a transport of the SDK's. */
function record(transport: Json, { fromClient, fromServer }: Seen): void {
  const send = transport.send.bind(transport);
  transport.send = (message: Json, ...more: Json[]) => {
    fromClient.push(message);
    return send(message, ...more);
  };
  let receive: Json;
  Object.defineProperty(transport, "onmessage", {
    get: () => receive,
    set(handler: Json) {
      receive = handler && ((message: Json, ...more: Json[]) => {
        fromServer.push(message);
        return handler(message, ...more);
      });
    },
  });
}
