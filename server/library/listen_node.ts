/**
 * Listening for a Node request listener.
 *
 * @module
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { settlesWithin } from "../../protocol/deadline.ts";
import type { NodeListener } from "./app.ts";
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

/** Milliseconds that the last connections may take to close. */
const CLOSE_MS = 1_000;

/**
 * Listens with `node:http`.
 *
 * @throws {PortTaken} when the port is in use; whatever `listen` fails with otherwise.
 */
export async function listenNode(
  listener: NodeListener,
  options: ListenOptions,
): Promise<Listener> {
  const { report } = options;
  const running = new Running();
  const open = new Set<ServerResponse>();
  let draining = false;

  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    const target = originForm(request.url ?? "/");
    if (target.startsWith(PREFIX)) return controlled(request, { target, response });
    if (draining) return void response.writeHead(503, DRAINING_HEADERS).end(DRAINING_TEXT);
    track(response);
    answer(request, response);
  });
  const { address: hostname, port } = await bind(server, options);
  // Made before control returns to the event loop that accepts the first connection.
  const control = options.control({ hostname, port });

  return {
    port,
    async close(graceMs) {
      draining = true;
      for (const response of open) if (hasNoEnd(response)) end(response);
      await settlesWithin(running.settled(), graceMs);
      const closed = new Promise((resolve) => server.close(resolve));
      // Ended one by one, because closeAllConnections() does nothing on Deno 2.7.11.
      for (const response of open) end(response);
      await settlesWithin(running.settled(), CLOSE_MS);
      server.closeAllConnections();
      await settlesWithin(closed, CLOSE_MS);
    },
  };

  function track(response: ServerResponse): void {
    const leave = running.enter();
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      leave();
    });
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const failed = (error: unknown) => {
      report.fault(`The application failed at ${request.method} ${request.url}`, error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    };
    try {
      const returned = listener(request, response);
      if (returned instanceof Promise) returned.then(refuseResponse, failed);
      else refuseResponse(returned);
    } catch (error) {
      failed(error);
    }

    function refuseResponse(returned: unknown): void {
      if (!(returned instanceof Response)) return;
      failed(
        new TypeError(
          `It returned a Response, as a Node request listener does not. If it is a fetch ` +
            `handler, say so: start(app, { kind: "fetch" })`,
        ),
      );
    }
  }

  function controlled(
    request: IncomingMessage,
    { target, response }: { target: string; response: ServerResponse },
  ): void {
    const { method = "" } = request;
    const headers = new Headers();
    for (const name of ["host", "origin", "authorization"] as const) {
      const value = request.headers[name];
      if (value !== undefined) headers.set(name, value);
    }
    const answer = control({ method, target, headers });
    if (!(answer instanceof Promise) && answer.kind === "lease") {
      return leaseStream(response, answer);
    }
    // What the last user is told when it leaves should still arrive. Those who ask who we are come in
    // crowds and are not waited for.
    if (method === "POST") response.once("close", running.enter());
    Promise.resolve(answer).then(({ status, body }) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/**
 * Path and query. A request may name the whole URL (RFC 9112, 3.2.2), and Deno's `fetch` does when it is
 * given the address to dial as a proxy.
 */
function originForm(target: string): string {
  return target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/]*/i, "");
}

/** Whether it is a stream that goes on until somebody ends it. */
function hasNoEnd(response: ServerResponse): boolean {
  // Headers that were given to writeHead() are not to be read again: what the client accepts must do.
  const { req, headersSent } = response;
  return headersSent &&
    (isEndless(req.method, response.getHeader("content-type")) ||
      isEndless(req.method, req.headers.accept));
}

/** Ends a response as well as can be, in whatever state the application left it. */
function end(response: ServerResponse): void {
  // The application may go on writing: that must not become an uncaught error of the program.
  response.on("error", () => {});
  if (response.headersSent) response.end();
  else response.writeHead(503, DRAINING_HEADERS).end(DRAINING_TEXT);
}

/** The stream that is the lease: given back when the other side is gone, however it went. */
function leaseStream(
  response: ServerResponse,
  { lease, first }: LeaseAnswer,
): void {
  response.once("close", lease.release);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.write(first + "\n");
  lease.over.then((end) => {
    if (end !== undefined) response.write(JSON.stringify({ end }) + "\n");
    response.end();
  });
}

function bind(server: Server, { hostname, port }: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      reject(taken ? new PortTaken("", { cause: error }) : error);
    };
    server.once("error", failed);
    server.listen({ host: hostname, port }, () => {
      server.off("error", failed);
      resolve(server.address() as AddressInfo);
    });
  });
}
