/** One suite for both ways to listen. */

import { deepEqual, equal, match } from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { rawFetch } from "../../tests/e2e/support/raw_http.ts";
import { eventually, within } from "../../tests/e2e/support/within.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import type { FetchHandler, NodeListener } from "./app.ts";
import { createControl } from "./control.ts";
import { Leases } from "./leases.ts";
import { type FetchListenOptions, listenFetch, type Serve } from "./listen_fetch.ts";
import { listenNode } from "./listen_node.ts";
import { type Listener, type ListenOptions, PortTaken } from "./listener.ts";

const TOKEN = "a-token-of-this-test";
const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` };

/**
 * One application for both: `/slow` answers when told to, `/call` then ends its stream of events, that
 * of `/events` never ends, `/wrong` misbehaves.
 */
interface App {
  fetch: FetchHandler;
  node: NodeListener;
  answerSlow(): void;
  /** Resolves when the request has come. */
  slowCame: Promise<void>;
}

function application(): App {
  const slow = Promise.withResolvers<void>();
  const came = Promise.withResolvers<void>();
  const EVENTS = { "content-type": "text/event-stream" };
  return {
    answerSlow: slow.resolve,
    slowCame: came.promise,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/slow") {
        came.resolve();
        await slow.promise;
      }
      if (pathname === "/events") {
        const body = new ReadableStream({
          start: (c) => c.enqueue(new TextEncoder().encode("data: 1\n\n")),
        });
        return new Response(body, { headers: EVENTS });
      }
      if (pathname === "/call") {
        const { readable, writable } = new TransformStream<Uint8Array>();
        const writer = writable.getWriter();
        writer.write(new TextEncoder().encode("data: 1\n\n"));
        slow.promise.then(() => writer.write(new TextEncoder().encode("data: 2\n\n")))
          .then(() => writer.close());
        return new Response(readable, { headers: EVENTS });
      }
      if (pathname === "/fault") throw new Error("a fault");
      if (pathname === "/wrong") return undefined as unknown as Response;
      return new Response(pathname);
    },
    async node(request: IncomingMessage, response: ServerResponse) {
      if (request.url === "/slow") {
        came.resolve();
        await slow.promise;
      }
      if (request.url === "/events") {
        return void response.writeHead(200, EVENTS).write("data: 1\n\n");
      }
      if (request.url === "/call") {
        response.writeHead(200, EVENTS).write("data: 1\n\n");
        await slow.promise;
        return void response.end("data: 2\n\n");
      }
      if (request.url === "/fault") throw new Error("a fault");
      if (request.url === "/wrong") return new Response();
      response.end(request.url);
    },
  };
}

interface World {
  listener: Listener;
  url: string;
  leases: Leases;
  app: App;
  faults: string[];
}

async function open(
  kind: "fetch" | "node",
  port = 0,
  how: Partial<FetchListenOptions> = {},
): Promise<World> {
  const app = application();
  const leases = new Leases(() => {});
  const faults: string[] = [];
  let url = "";
  const options: ListenOptions = {
    hostname: "127.0.0.1",
    port,
    control(bound) {
      const address = `${bound.hostname}:${bound.port}`;
      url = `http://${address}`;
      return createControl({ address, port: bound.port, token: TOKEN, instanceId: "i", leases });
    },
    report: { debug() {}, fault: (_, error) => faults.push(String(error)) },
  };
  const listener = kind === "fetch"
    ? listenFetch(app.fetch, { ...options, ...how })
    : await listenNode(app.node, options);
  return { listener, url, leases, app, faults };
}

async function status(url: string, init?: RequestInit): Promise<number> {
  const response = await within(fetch(url, init), url);
  await response.body?.cancel();
  return response.status;
}

Deno.test("fetch: a port that the system took away is opened again, at the same address", async () => {
  const clock = new FakeClock();
  const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  let isLost = false;
  const serve: Serve = (options, handler) => {
    const server = Deno.serve(options, handler);
    servers.push(server);
    const finished = server.finished.then(() => {
      if (isLost) throw new Error("too many open files");
    });
    return { addr: server.addr, finished, shutdown: () => server.shutdown() };
  };
  const { listener, url, faults } = await open("fetch", 0, { clock, serve });
  equal(await status(`${url}/x`), 200);

  isLost = true;
  await servers[0].shutdown();
  await eventually(() => clock.pending > 0, "the wait for the next attempt", 2_000);
  clock.advance(500);
  await eventually(() => servers.length === 2, "the next attempt", 2_000);
  equal(await status(`${url}/x`), 200);
  equal(await status(`${url}/.daemon/identity?nonce=1`), 200);
  deepEqual(faults, ["Error: too many open files"]);

  isLost = false;
  await listener.close(1_000);
  equal(clock.pending, 0);
  equal(servers.length, 2, "what was closed stays closed");
  const again = await open("fetch", listener.port);
  await again.listener.close(0);
});

for (const kind of ["fetch", "node"] as const) {
  Deno.test(`${kind}: everything but the reserved addresses goes to the application`, async () => {
    const { listener, url } = await open(kind);
    equal(await (await fetch(`${url}/.daemonic`)).text(), "/.daemonic");
    equal(
      await (await fetch(`${url}/x?y=/.daemon/identity`)).text().then((t) => t.slice(0, 2)),
      "/x",
    );
    equal(await status(`${url}/.daemon/identity?nonce=1`), 200);
    await listener.close(0);
  });

  Deno.test(`${kind}: the reserved addresses need the token, this machine's name and no web page`, async () => {
    const { listener, url, leases } = await open(kind);
    const ask = (path: string, headers: Record<string, string> = {}) =>
      rawFetch(url, { method: "POST", path: `/.daemon/${path}`, headers });
    equal((await ask("leases?pid=1")).status, 401);
    equal((await ask("leases?pid=1", { authorization: "Bearer wrong-token" })).status, 401);
    equal((await ask("leases?pid=1", { ...AUTHORIZATION, host: "evil.example" })).status, 403);
    equal(
      (await ask("leases?pid=1", { ...AUTHORIZATION, origin: "http://evil.example" })).status,
      403,
    );
    equal((await ask("leases/none/end", AUTHORIZATION)).status, 404);
    equal((await ask("nothing", AUTHORIZATION)).status, 404);
    equal(leases.count, 0);
    const own = leases.hold(1)!;
    const response = await fetch(`${url}/.daemon/status`, { headers: AUTHORIZATION });
    deepEqual(await response.json(), { port: listener.port, pid: Deno.pid, clientCount: 1 });
    own.release();
    await listener.close(0);
  });

  Deno.test(`${kind}: a lease lasts as long as its stream, and is over when either side says so`, async () => {
    const { listener, url, leases } = await open(kind);
    leases.hold(1);
    const hold = async () => {
      const response = await fetch(`${url}/.daemon/leases?pid=7`, {
        method: "POST",
        headers: AUTHORIZATION,
      });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      return { reader, first: JSON.parse((await reader.read()).value!) };
    };
    const gone = (count: number) =>
      within(
        (async () => {
          while (leases.count !== count) await new Promise((resolve) => setTimeout(resolve, 5));
        })(),
        `${count} leases`,
      );
    const one = await hold();
    equal(one.first.clientCount, 2);
    await one.reader.cancel();
    await gone(1);

    const two = await hold();
    equal(
      await status(`${url}/.daemon/leases/${two.first.lease}/end`, {
        method: "POST",
        headers: AUTHORIZATION,
      }),
      204,
    );
    equal((await two.reader.read()).done, true);
    equal(leases.count, 1);

    const three = await hold();
    leases.close("a reason");
    deepEqual(JSON.parse((await three.reader.read()).value!), { end: "a reason" });
    equal((await three.reader.read()).done, true);
    equal(
      await status(`${url}/.daemon/leases?pid=7`, { method: "POST", headers: AUTHORIZATION }),
      503,
    );
    await listener.close(0);
  });

  Deno.test(`${kind}: closing answers what runs, refuses what is new, ends streams, frees the port`, async () => {
    const { listener, url, app } = await open(kind);
    const slow = fetch(`${url}/slow`);
    await app.slowCame;
    const headers = { accept: "application/json, text/event-stream" };
    const events = (await fetch(`${url}/events`, { headers })).body!.getReader();
    await events.read();
    const call = await fetch(`${url}/call`, { method: "POST", headers });
    const closed = listener.close(20_000);
    equal(await status(`${url}/x`), 503);
    equal(await status(`${url}/.daemon/identity?nonce=1`), 200);
    equal((await events.read()).done, true);
    app.answerSlow();
    equal(await (await slow).text(), "/slow");
    equal(await call.text(), "data: 1\n\ndata: 2\n\n");
    await within(closed, "the port being closed");
    const again = await open(kind, listener.port);
    await again.listener.close(0);
  });

  Deno.test(`${kind}: what runs longer than the grace does not keep the port open`, async () => {
    const { listener, url, app } = await open(kind);
    const slow = fetch(`${url}/slow`).then(
      async (response) => [response.status, await response.text()][0],
      (error) => error.name,
    );
    await app.slowCame;
    await within(listener.close(1), "the port being closed");
    match(String(await within(slow, "the answer")), /^(503|TypeError)$/);
    const again = await open(kind, listener.port);
    await again.listener.close(0);
    app.answerSlow();
  });

  Deno.test(`${kind}: a fault is a 500 and is told; so is an application of the other kind`, async () => {
    const { listener, url, faults } = await open(kind);
    equal(await status(`${url}/fault`), 500);
    equal(await status(`${url}/wrong`), 500);
    equal(await status(`${url}/x`), 200);
    equal(faults[0], "Error: a fault");
    match(
      faults[1],
      new RegExp(`start\\(app, \\{ kind: "${kind === "fetch" ? "node" : "fetch"}" \\}\\)`),
    );
    await listener.close(0);
  });

  Deno.test(`${kind}: a port in use is told from other faults`, async () => {
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const failure = await open(kind, (other.addr as Deno.NetAddr).port).then(
      () => undefined,
      (e) => e,
    );
    equal(failure instanceof PortTaken, true);
  });
}
