/**
 * Listening for an application that turns a `Request` into a `Response`.
 *
 * @module
 */

import { type Clock, systemClock } from "../../platform/clock.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { keepOpen, type OpenServer } from "../daemon/keep_open.ts";
import type { FetchHandler } from "./app.ts";
import { EndableStreams } from "./endable_stream.ts";
import { type LeaseAnswer, PREFIX } from "./control.ts";
import {
  DRAINING_HEADERS,
  DRAINING_TEXT,
  isEndless,
  type Listener,
  type ListenOptions,
  PortTaken,
  Running,
} from "./listener.ts";

/** Milliseconds that the connections may take to close. */
const CLOSE_MS = 1_000;

/** What this module needs of `Deno.serve`. */
export type Serve = (
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
) => Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

interface Port extends OpenServer {
  server: ReturnType<Serve>;
  end: AbortController;
}

/** Where and how to listen. */
export interface FetchListenOptions extends ListenOptions {
  clock?: Clock;
  /** Default `Deno.serve`. */
  serve?: Serve;
}

/**
 * Listens with `Deno.serve`, until it is closed; see {@linkcode keepOpen}.
 *
 * @throws {PortTaken} when the port is in use; whatever `Deno.serve` throws otherwise.
 */
export function listenFetch(answer: FetchHandler, options: FetchListenOptions): Listener {
  const { hostname, report, clock = systemClock } = options;
  const running = new Running();
  const endless = new EndableStreams();
  let draining = false;

  /** All that were opened: what one that was lost has accepted goes on. */
  const opened: Port[] = [];
  const first = open(options.port);
  const { port } = first.server.addr;
  const control = options.control(first.server.addr);
  const kept = keepOpen(first, {
    clock,
    reopen: () => open(port),
    // As a text: the runtime needs files to tell the stack of an error (Deno 2.9.6), and panics without.
    onLost: (error) =>
      report.fault(`Port ${port} is closed, and will be opened again`, String(error)),
  });

  return {
    port,
    async close(graceMs) {
      draining = true;
      endless.endAll();
      const answered = await settlesWithin(running.settled(), graceMs);
      // Those that were still to be opened.
      endless.endAll();
      kept.release();
      await Promise.all(opened.map(({ server, end }) => {
        // One or the other: shutdown() sends what is still on its way but waits for open streams, for
        // ever if need be, and abort() after it throws BadResource from inside the runtime (Deno 2.9.6).
        if (!answered) end.abort();
        return settlesWithin(answered ? server.shutdown() : server.finished, CLOSE_MS);
      }));
    },
  };

  function handle(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    // The whole URL is only parsed for a few.
    if (request.url.includes(PREFIX)) {
      const { pathname, search } = new URL(request.url);
      if (pathname.startsWith(PREFIX)) return controlled(request, pathname + search, info);
    }
    if (draining) return new Response(DRAINING_TEXT, { status: 503, headers: DRAINING_HEADERS });
    return answered(request, info);
  }

  function open(port: number): Port {
    const { serve = Deno.serve } = options;
    const end = new AbortController();
    try {
      const server = serve({ hostname, port, signal: end.signal, onListen() {} }, handle);
      const opening = { server, end, finished: server.finished };
      opened.push(opening);
      return opening;
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) throw new PortTaken("", { cause: error });
      throw error;
    }
  }

  async function answered(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    const leave = running.enter();
    const response = await responseTo(request, info);
    // In this order: looking at the body of every response costs.
    const type = response.headers.get("content-type");
    if (isEndless(request.method, type) && response.body !== null) {
      leave();
      return new Response(endless.wrap(response.body), response);
    }
    info.completed.then(leave, leave);
    return response;
  }

  async function responseTo(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    const what = `The application failed at ${request.method} ${request.url}`;
    try {
      const response: unknown = await answer(request, info);
      if (response instanceof Response) return response;
      report.fault(
        what,
        new TypeError(
          `It answered with ${typeof response}, not with a Response. If it is a Node request ` +
            `listener, say so: start(app, { kind: "node" })`,
        ),
      );
    } catch (error) {
      report.fault(what, error);
    }
    return new Response("Internal Server Error", { status: 500 });
  }

  async function controlled(
    { method, headers }: Request,
    target: string,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    const answer = control({ method, target, headers });
    if (!(answer instanceof Promise) && answer.kind === "lease") return leaseStream(answer);
    if (method === "POST") {
      // What the last user is told when it leaves should still arrive. Those who ask who we are come
      // in crowds and are not waited for.
      const leave = running.enter();
      info.completed.then(leave, leave);
    }
    const { status, body } = await answer;
    return body === undefined ? new Response(null, { status }) : Response.json(body, { status });
  }
}

/** The stream that is the lease: given back when the other side is gone, however it went. */
function leaseStream({ lease, first }: LeaseAnswer): Response {
  const utf8 = new TextEncoder();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(utf8.encode(first + "\n"));
      lease.over.then((end) => {
        if (cancelled) return;
        if (end !== undefined) controller.enqueue(utf8.encode(JSON.stringify({ end }) + "\n"));
        controller.close();
      });
    },
    cancel() {
      cancelled = true;
      lease.release();
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}
