/**
 * A small MCP server for the SDK's tests, without a transport. The stdio child and the HTTP daemon of
 * the tests both answer through it, so that a test can compare the two.
 *
 * Beside the tools of its list it knows `request` (asks the client `method` with `params`, and tells the
 * answer), `withdraw` (the same, but cancels it, and answers when the client confirms with a ping),
 * `announce` (sends `notifications/message`) and `introduction` (what the client said in `initialize`).
 *
 * Runs on Deno and Node.
 *
 * @module
 */

export type Json = { [key: string]: unknown };

const TOOLS = ["echo", "never", "fail", "error", "progress", "ask", "cancelled"].map((name) => ({
  name,
  description: `The tool ${name}`,
  inputSchema: { type: "object" },
}));

/** Tools on one page of the list. */
const PAGE = 3;

/** One MCP connection's state. */
export class ToolServer {
  /** Ids of the requests that the client cancelled. */
  readonly cancelled: unknown[] = [];
  /** `params` of `initialize`. */
  introduction: Json = {};
  readonly #waiting = new Map<unknown, (answer: Json) => void>();
  #nextId = 1000;

  /** Takes one message; what it causes is given to `send`. */
  async receive(message: Json, send: (message: Json) => void): Promise<void> {
    const { id, method } = message;
    const params = (message.params ?? {}) as Json;
    if (method === undefined) {
      this.#waiting.get(id)?.(message);
    } else if (method === "notifications/cancelled") {
      this.cancelled.push(params.requestId);
    } else if (id !== undefined) {
      const answer = await this.#answer(String(method), params, send);
      if (answer !== undefined) send({ jsonrpc: "2.0", id, ...answer });
    }
  }

  #answer(method: string, params: Json, send: (message: Json) => void) {
    switch (method) {
      case "initialize":
        this.introduction = params;
        return {
          result: {
            protocolVersion: params.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: "tool-server", version: "1.2.3" },
          },
        };
      case "tools/list": {
        const start = Number(params.cursor ?? 0);
        const next = start + PAGE < TOOLS.length ? { nextCursor: String(start + PAGE) } : {};
        return { result: { tools: TOOLS.slice(start, start + PAGE), ...next } };
      }
      case "tools/call":
        return this.#call(String(params.name), params, send);
      default:
        return { error: { code: -32601, message: `Unknown method: ${method}` } };
    }
  }

  async #call(name: string, params: Json, send: (message: Json) => void) {
    const args = params.arguments as Json;
    switch (name) {
      case "echo":
        return text(String(args.message));
      case "never":
        return undefined;
      case "fail":
        return { result: { content: [{ type: "text", text: "it failed" }], isError: true } };
      case "error":
        return { error: { code: -32042, message: "No such thing: 42", data: { thing: 42 } } };
      case "progress": {
        const { progressToken } = (params._meta ?? {}) as Json;
        for (let progress = 1; progress <= 3; progress++) {
          send({
            jsonrpc: "2.0",
            method: "notifications/progress",
            params: { progressToken, progress, total: 3, message: `step ${progress}` },
          });
        }
        return text("done");
      }
      case "ask": {
        const answers = [
          code(await this.ask("ping", send)),
          code(await this.ask("sampling/createMessage", send)),
        ];
        return text(JSON.stringify(answers));
      }
      case "request":
        return text(
          JSON.stringify(await this.ask(String(args.method), send, (args.params ?? {}) as Json)),
        );
      case "withdraw": {
        const requestId = this.#nextId;
        void this.ask(String(args.method), send);
        const reason = "changed its mind";
        send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId, reason } });
        await this.ask("ping", send);
        return text(this.#waiting.has(requestId) ? "no answer" : "an answer");
      }
      case "announce":
        send({
          jsonrpc: "2.0",
          method: "notifications/message",
          params: { level: "info", data: 7 },
        });
        return text("announced");
      case "introduction":
        return text(JSON.stringify(this.introduction));
      case "cancelled":
        return text(JSON.stringify(this.cancelled));
      default:
        return { error: { code: -32602, message: `Unknown tool: ${name}` } };
    }
  }

  /** Asks the client; `{ result }` or `{ error }`. */
  async ask(method: string, send: (message: Json) => void, params: Json = {}): Promise<Json> {
    const id = this.#nextId++;
    const answer = new Promise<Json>((resolve) => this.#waiting.set(id, resolve));
    send({ jsonrpc: "2.0", id, method, params });
    const { result, error } = await answer;
    this.#waiting.delete(id);
    return error === undefined ? { result } : { error };
  }
}

function code({ result, error }: Json): Json {
  return { result, code: (error as Json | undefined)?.code };
}

function text(text: string) {
  return { result: { content: [{ type: "text", text }] } };
}
