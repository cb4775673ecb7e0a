/**
 * A daemon for the SDK's tests: a real HTTP server that announces itself in a home of its own and
 * speaks as much of the contract as the SDK uses. It records what it was asked, and misbehaves on
 * demand.
 *
 * As a program (`daemon.ts HOME`) it prints `ready` and serves until it is killed.
 *
 * @module
 */

import { machineId } from "../../platform/machine_id.ts";
import { type HomePaths, homePaths } from "../../platform/paths.ts";
import { addressOf, healthProof } from "../../protocol/identity.ts";
import { sseText } from "../../protocol/sse.ts";
import { type Json, ToolServer } from "./tool_server.ts";

/** A request that the daemon got. */
export interface Seen {
  verb: string;
  path: string;
  headers: Headers;
  /** JSON-RPC method, `(response)`, or undefined without a body. */
  method: string | undefined;
}

type Interception = Response | void | Promise<Response | void>;

/** How the daemon behaves; may be changed at any time. */
export interface Behaviour {
  /** How requests are answered. */
  answerAs: "json" | "sse";
  /** Takes the place of the usual answer where it returns a response. */
  intercept: (request: Request, message: Json | undefined) => Interception;
  /** What `/health` says of the proof. */
  proof: (real: string) => string | undefined;
}

/** A running daemon. */
export interface TestDaemon extends AsyncDisposable {
  url: string;
  token: string;
  instanceId: string;
  behaviour: Behaviour;
  seen: Seen[];
  sessions: Map<string, ToolServer>;
  /**
   * Sends messages on the stream of a session that belongs to no call, as events with ids; resolves when
   * one is open.
   */
  say(sessionId: string, ...messages: Json[]): Promise<void>;
  /** Breaks all streams off that belong to no call. */
  breakStreams(): void;
  /** Resolves when it has seen a request of this JSON-RPC method, past or future. */
  sees(method: string): Promise<Seen>;
  close(): Promise<void>;
}

/** Where the daemon of a home keeps its files. */
export function pathsOf(home: string): HomePaths {
  return homePaths(home, machineId());
}

/** Starts a daemon for `home`. */
export async function startDaemon(
  home: string,
  { behaviour: given = {}, port = 0 }: { behaviour?: Partial<Behaviour>; port?: number } = {},
): Promise<TestDaemon> {
  const token = crypto.randomUUID();
  const instanceId = crypto.randomUUID();
  const sessions = new Map<string, ToolServer>();
  const seen: Seen[] = [];
  const waiting: { method: string; resolve: (seen: Seen) => void }[] = [];
  const streams = new Set<() => void>();
  const listeners = new Map<string, { write(text: string): void; end(): void }>();
  const listening = new Map<string, (() => void)[]>();
  let lastEventId = 0;
  const behaviour: Behaviour = {
    answerAs: "json",
    intercept: () => {},
    proof: (real) => real,
    ...given,
  };
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {}, signal: stop.signal },
    handle,
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  await announce(home, { url, token, instanceId });
  const close = async () => {
    for (const end of streams) end();
    await server.shutdown();
  };
  return {
    url,
    token,
    instanceId,
    behaviour,
    seen,
    sessions,
    async say(sessionId, ...messages) {
      if (!listeners.has(sessionId)) {
        await new Promise<void>((resolve) =>
          listening.set(sessionId, [...listening.get(sessionId) ?? [], resolve])
        );
      }
      for (const message of messages) {
        const event = { id: String(++lastEventId), data: JSON.stringify(message) };
        listeners.get(sessionId)!.write(sseText(event));
      }
    },
    breakStreams() {
      for (const [sessionId, { end }] of listeners) {
        listeners.delete(sessionId);
        end();
      }
    },
    sees(method) {
      const past = seen.find((one) => one.method === method);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => waiting.push({ method, resolve }));
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const body = await request.text();
    const message: Json | undefined = body === "" ? undefined : JSON.parse(body);
    record({
      verb: request.method,
      path: pathname,
      headers: new Headers(request.headers),
      method: message && String(message.method ?? "(response)"),
    });
    const special = await behaviour.intercept(request, message);
    if (special) return special;
    if (pathname === "/health") return await health(searchParams.get("nonce") ?? "");
    if (request.headers.get("authorization") !== `Bearer ${token}`) {
      return new Response("no", { status: 401 });
    }
    const known = request.headers.get("mcp-session-id");
    if (request.method === "DELETE") {
      sessions.delete(known ?? "");
      return new Response(null, { status: 204 });
    }
    if (message === undefined) {
      if (known === null) return new Response(null, { status: 405 });
      return sessions.has(known) ? listen(known) : new Response(null, { status: 404 });
    }
    if (known !== null && !sessions.has(known)) return new Response(null, { status: 404 });
    const sessionId = known ?? crypto.randomUUID();
    const session = sessions.get(sessionId) ?? new ToolServer();
    sessions.set(sessionId, session);
    if (message.id === undefined || message.method === undefined) {
      await session.receive(message, () => {});
      return new Response(null, { status: 202 });
    }
    const headers = { "mcp-session-id": sessionId };
    return behaviour.answerAs === "json"
      ? await asJson(session, message, headers)
      : asEvents(session, message, headers);
  }

  function listen(sessionId: string): Response {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const end = () => writer.close().catch(() => {});
    streams.add(end);
    listeners.set(sessionId, {
      write: (text) => void writer.write(new TextEncoder().encode(text)).catch(() => {}),
      end,
    });
    void writer.write(new TextEncoder().encode("retry: 1\n\n")).catch(() => {});
    for (const resolve of listening.get(sessionId) ?? []) resolve();
    listening.delete(sessionId);
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  }

  async function health(nonce: string): Promise<Response> {
    const proof = await healthProof({ token, nonce, instanceId, address: addressOf(url)! });
    return Response.json({ status: "ok", sessions: 0, instanceId, proof: behaviour.proof(proof) });
  }

  function asJson(session: ToolServer, message: Json, headers: HeadersInit): Promise<Response> {
    return new Promise((resolve) => {
      session.receive(message, (answer) => {
        if (answer.id === message.id) resolve(Response.json(answer, { headers }));
      });
      // A call that is never answered must not keep the daemon of a test alive.
      streams.add(() => resolve(new Response(null, { status: 503 })));
    });
  }

  function asEvents(session: ToolServer, message: Json, headers: Record<string, string>) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const write = (text: string) => writer.write(new TextEncoder().encode(text)).catch(() => {});
    const end = () => writer.close().catch(() => {});
    streams.add(end);
    write(": hello\n\n");
    session.receive(message, (answer) => {
      write(sseText({ data: JSON.stringify(answer) }));
      if (answer.id === message.id) end();
    });
    return new Response(readable, {
      headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" },
    });
  }

  function record(one: Seen): void {
    seen.push(one);
    for (const { resolve } of waiting.filter(({ method }) => method === one.method)) resolve(one);
  }
}

/** What a daemon says of itself to those who look. */
export interface AnnounceOptions {
  url: string;
  token: string;
  instanceId: string;
  protocol?: { min: number; max: number };
}

/** Writes `daemon.json` and the token file. */
export async function announce(
  home: string,
  { url, token, instanceId, protocol = { min: 1, max: 1 } }: AnnounceOptions,
): Promise<void> {
  const paths = pathsOf(home);
  await Deno.mkdir(paths.runDir, { recursive: true });
  await Deno.writeTextFile(paths.tokenFile, `${token}\n`);
  await Deno.writeTextFile(
    paths.daemonJson,
    JSON.stringify({
      url,
      socket: null,
      pid: Deno.pid,
      startTime: null,
      instanceId,
      version: "0.1.0",
      protocol,
      logPath: paths.logFile,
    }),
  );
}

if (import.meta.main) {
  await startDaemon(Deno.args[0], { port: Number(Deno.args[1] ?? 0) });
  console.log("ready");
}
