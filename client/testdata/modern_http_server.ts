/**
 * The modern server of the tests over HTTP, at one address and without a daemon around it. It checks the
 * headers that repeat the body, records what it was sent, and misbehaves on demand.
 *
 * @module
 */

import { readHeaderValue } from "../../protocol/header_value.ts";
import { sseText } from "../../protocol/sse.ts";
import { ModernServer } from "./modern_server.ts";
import type { Json } from "./tool_server.ts";

/** A POST that it got. */
export interface Posted {
  headers: Headers;
  message: Json;
  /** Fires when the client closed the response before its end. */
  left: Promise<void>;
}

/** A running server. */
export interface ModernHttpServer extends AsyncDisposable {
  url: string;
  server: ModernServer;
  posted: Posted[];
  /** Takes the place of the usual answer where it returns a response. */
  intercept: (message: Json, headers: Headers) => Response | undefined;
  /** Breaks off all streams that are open. */
  breakStreams(): void;
}

/** Methods whose answer is a stream of events; of others it is JSON. */
const STREAMED = ["subscriptions/listen", "tools/call"];

/** Starts one. @param port Default any. */
export function startModernHttp({ port = 0 } = {}): ModernHttpServer {
  const server = new ModernServer();
  const posted: Posted[] = [];
  const streams = new Set<() => void>();
  const stop = new AbortController();
  const http = Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {}, signal: stop.signal },
    async (request) => {
      const message = JSON.parse(await request.text());
      const left = Promise.withResolvers<void>();
      posted.push({ headers: new Headers(request.headers), message, left: left.promise });
      const special = self.intercept(message, request.headers);
      if (special !== undefined) return special;
      const wrong = wrongHeader(request.headers, message);
      if (wrong !== undefined) {
        const error = { code: -32020, message: `Header mismatch: ${wrong}` };
        return Response.json({ jsonrpc: "2.0", id: message.id, error }, { status: 400 });
      }
      if (message.id === undefined) {
        server.receive(message, () => {});
        return new Response(null, { status: 202 });
      }
      return STREAMED.includes(message.method)
        ? stream(message, left.resolve)
        : await json(message);
    },
  );
  const self: ModernHttpServer = {
    url: `http://127.0.0.1:${http.addr.port}/mcp`,
    server,
    posted,
    intercept: () => undefined,
    breakStreams() {
      for (const end of streams) end();
    },
    async [Symbol.asyncDispose]() {
      self.breakStreams();
      stop.abort();
      await http.finished;
    },
  };
  return self;

  function json(message: Json): Promise<Response> {
    return new Promise((resolve) =>
      server.receive(message, (answer) => resolve(Response.json(answer)))
    );
  }

  function stream(message: Json, onLeft: () => void): Response {
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const write = (text: string) => controller.enqueue(new TextEncoder().encode(text));
        end = () => {
          if (streams.delete(end)) controller.close();
        };
        streams.add(end);
        write(": hello\n\n");
        server.receive(message, (answer) => {
          if (!streams.has(end)) return;
          write(sseText({ data: JSON.stringify(answer) }));
          if (answer.id === message.id) end();
        });
      },
      cancel() {
        streams.delete(end);
        onLeft();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

/** What the headers say differently; undefined when nothing. */
function wrongHeader(headers: Headers, { method, params = {} }: Json): string | undefined {
  const { _meta, name, uri, arguments: args } = params as Json;
  const version = (_meta as Json | undefined)?.["io.modelcontextprotocol/protocolVersion"];
  const subject = ["tools/call", "prompts/get"].includes(String(method)) ? name : uri;
  const wanted: Json = {
    "mcp-protocol-version": version,
    "mcp-method": method,
    ...(subject === undefined ? {} : { "mcp-name": subject }),
    ...(name === "mirrored" ? { "mcp-param-region": (args as Json).region } : {}),
  };
  return Object.keys(wanted).find((header) =>
    readHeaderValue(headers.get(header) ?? "") !== wanted[header]
  );
}
