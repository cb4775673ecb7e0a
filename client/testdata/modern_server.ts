/**
 * A small MCP server of the modern era for the SDK's tests, without a transport.
 *
 * Its tools: `echo`; `meta` (the `_meta` of its call); `never`; `progress`; `rounds` (asks `questions`, then
 * answers with what it was told, as often as `times` says); `touch` (tells that `test://one` and the list of
 * tools changed); `end` (ends all subscriptions); `mirrored` (wants its `region` in a header, see
 * {@linkcode HEADER_TOOL}).
 *
 * Runs on Deno and Node.
 *
 * @module
 */

import type { Json } from "./tool_server.ts";

/** A resource that can be subscribed to. */
export const RESOURCE = "test://one";

/** A tool with an argument that stands in a header as well. */
export const HEADER_TOOL = {
  name: "mirrored",
  inputSchema: {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" } },
  },
};

const NAMES = ["echo", "meta", "never", "progress", "rounds", "touch", "end"];
const SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";

type Send = (message: Json) => void;

/** One server; its state is only for the tests to look at. */
export class ModernServer {
  /** Requests and notifications, oldest first. */
  readonly seen: Json[] = [];
  /** Revisions that it says it speaks. */
  supported: string[] = ["2026-07-28"];
  readonly #subscriptions = new Map<unknown, { send: Send; filter: Json }>();
  #waiting: (() => void)[] = [];

  /** Takes one message; what it causes is given to `send`. */
  receive(message: Json, send: Send): void {
    this.seen.push(message);
    for (const wake of this.#waiting.splice(0)) wake();
    const { id, method } = message;
    const params = (message.params ?? {}) as Json;
    if (method === "notifications/cancelled") this.#subscriptions.delete(params.requestId);
    if (id === undefined) return;
    if (method === "subscriptions/listen") return this.#listen(id, params, send);
    const answer = this.#answer(String(method), params, { id, send });
    if (answer !== undefined) send({ jsonrpc: "2.0", id, ...answer });
  }

  /** Resolves when it has seen what `matches`, past or future. */
  async sees(matches: (message: Json) => boolean): Promise<Json> {
    while (true) {
      const found = this.seen.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ends every subscription, as a server does that stops. */
  endSubscriptions(): void {
    for (const [id, { send }] of this.#subscriptions) {
      send({
        jsonrpc: "2.0",
        id,
        result: { resultType: "complete", _meta: { [SUBSCRIPTION_ID]: id } },
      });
    }
    this.#subscriptions.clear();
  }

  #listen(id: unknown, { notifications }: Json, send: Send): void {
    const filter = notifications as Json;
    this.#subscriptions.set(id, { send, filter });
    const uris = filter.resourceSubscriptions as string[] | undefined;
    const honoured = {
      ...filter,
      ...(uris && { resourceSubscriptions: uris.filter((uri) => uri === RESOURCE) }),
    };
    send(tagged("notifications/subscriptions/acknowledged", id, { notifications: honoured }));
  }

  #tell(method: string, params: Json, wants: (filter: Json) => unknown): void {
    for (const [id, { send, filter }] of this.#subscriptions) {
      if (wants(filter)) send(tagged(method, id, params));
    }
  }

  #answer(method: string, params: Json, { id, send }: { id: unknown; send: Send }) {
    switch (method) {
      case "server/discover":
        return complete({
          supportedVersions: this.supported,
          capabilities: {
            tools: { listChanged: true },
            resources: { subscribe: true },
            logging: {},
          },
          instructions: "Be brief.",
        });
      case "tools/list":
        return complete({
          tools: [...NAMES.map((name) => ({ name, inputSchema: { type: "object" } })), HEADER_TOOL],
        });
      case "tools/call":
        return this.#call(params, { id, send });
      default:
        return { error: { code: -32601, message: `Unknown method: ${method}` } };
    }
  }

  #call(params: Json, { id, send }: { id: unknown; send: Send }) {
    const args = (params.arguments ?? {}) as Json;
    const meta = params._meta as Json;
    switch (params.name) {
      case "echo":
      case "mirrored":
        return text(String(args.message ?? args.region));
      case "meta":
        return text(JSON.stringify(meta));
      case "never":
        return undefined;
      case "progress":
        for (let progress = 1; progress <= 3; progress++) {
          const { progressToken = id } = meta;
          send({
            jsonrpc: "2.0",
            method: "notifications/progress",
            params: { progressToken, progress },
          });
        }
        return text("done");
      case "rounds": {
        const round = Number(params.requestState ?? 0);
        if (round < Number(args.times ?? 1)) {
          const { questions: inputRequests } = args;
          return {
            result: { resultType: "input_required", inputRequests, requestState: `${round + 1}` },
          };
        }
        const { inputResponses, requestState } = params;
        return text(JSON.stringify({ inputResponses, requestState }));
      }
      case "touch":
        this.#tell(
          "notifications/resources/updated",
          { uri: RESOURCE },
          (filter) => (filter.resourceSubscriptions as string[] | undefined)?.includes(RESOURCE),
        );
        this.#tell(
          "notifications/tools/list_changed",
          {},
          ({ toolsListChanged }) => toolsListChanged,
        );
        return text("touched");
      case "end":
        this.endSubscriptions();
        return text("ended");
      default:
        return { error: { code: -32602, message: `Unknown tool: ${params.name}` } };
    }
  }
}

function tagged(method: string, id: unknown, params: Json): Json {
  return { jsonrpc: "2.0", method, params: { ...params, _meta: { [SUBSCRIPTION_ID]: id } } };
}

function complete(result: Json) {
  const serverInfo = { name: "modern-server", version: "3.2.1" };
  const _meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
  return { result: { resultType: "complete", ...result, _meta } };
}

function text(text: string) {
  return complete({ content: [{ type: "text", text }] });
}
