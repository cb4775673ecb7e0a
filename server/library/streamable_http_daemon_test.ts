import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { freePort } from "../../tests/e2e/support/library_rounds.ts";
import { within } from "../../tests/e2e/support/within.ts";
import { StreamableHttpDaemon, type StreamableHttpDaemonOptions } from "./mod.ts";

type Make = (options?: Partial<StreamableHttpDaemonOptions>) => StreamableHttpDaemon;

const app = () => new Response("served");

/** Several daemons in one process use each other as those of several processes do. */
async function inFolder(body: (make: Make) => Promise<void>): Promise<void> {
  const daemonDir = await Deno.makeTempDir();
  try {
    await body((options) =>
      new StreamableHttpDaemon({ daemonDir, handleSignals: false, ...options })
    );
  } finally {
    await Deno.remove(daemonDir, { recursive: true });
  }
}

Deno.test("start() answers who serves, where, and for how many", () =>
  inFolder(async (make) => {
    const [one, two] = [make(), make()];
    const first = await one.start(app);
    const { port } = first.info;
    deepEqual(first, { isMainProcess: true, info: { port, pid: Deno.pid, clientCount: 1 } });
    deepEqual(await two.start(app), {
      isMainProcess: false,
      info: { port, pid: Deno.pid, clientCount: 2 },
    });
    equal(one.url, `http://127.0.0.1:${port}`);
    equal(two.url, one.url);
    deepEqual([one.isMainProcess, two.isMainProcess], [true, false]);
    equal(await (await fetch(two.url!)).text(), "served");
    deepEqual(await one.info(), await two.info());
    await two.stop();
    equal((await one.info()).clientCount, 1);
    await one.stop();
    equal(one.url, undefined);
    await rejects(one.info(), /no part in one\. Call start\(\) first/);
  }));

Deno.test("a second start() answers the same, and one after release() counts again", () =>
  inFolder(async (make) => {
    const [main, client] = [make(), make()];
    const [first, again] = await Promise.all([main.start(app), main.start(app)]);
    deepEqual(first, again);
    await client.start(app);
    await main.release();
    equal((await client.info()).clientCount, 1);
    deepEqual(await main.start(app), {
      isMainProcess: true,
      info: { ...first.info, clientCount: 2 },
    });
    await client.release();
    equal((await client.start(app)).isMainProcess, false);
    await client.stop();
    await main.stop();
    equal((await main.start(app)).isMainProcess, true);
    await main.stop();
  }));

Deno.test("stop() where it serves waits for the last of the others; with force it does not", () =>
  inFolder(async (make) => {
    const [main, client] = [make(), make({ whenLost: "leave" })];
    await main.start(app);
    await client.start(app);
    let stopped = false;
    const stopping = main.stop().then(() => stopped = true);
    equal(await (await fetch(client.url!)).text(), "served");
    equal(stopped, false);
    await client.stop();
    await within(stopping, "the server's end");

    await main.start(app);
    await client.start(app);
    const { lost } = client;
    await main.stop({ force: true });
    equal(await within(lost, "the loss"), "it was stopped");
    await client.ended;
  }));

Deno.test("a client that lost its server registers with the next, and tells so", () =>
  inFolder(async (make) => {
    const told: unknown[] = [];
    const rejoined = Promise.withResolvers<void>();
    const [main, client, next] = [
      make(),
      make({
        onLost: (reason) => told.push(reason),
        onRejoined: (result) => {
          told.push(result);
          rejoined.resolve();
        },
      }),
      make(),
    ];
    await main.start(app);
    await client.start(app);
    await main.stop({ force: true });
    const { info } = await next.start(app);
    await within(rejoined.promise, "the client being registered again");
    deepEqual(told, [
      "it was stopped",
      { isMainProcess: false, info: { ...info, clientCount: 2 } },
    ]);
    await client.stop();
    await next.stop();
  }));

Deno.test("start() after a loss takes part in the election; stop() gives the search up", () =>
  inFolder(async (make) => {
    const [main, client, other] = [make(), make(), make()];
    await main.start(app);
    await client.start(app);
    await other.start(app);
    const lost = Promise.all([client.lost, other.lost]);
    await main.stop({ force: true });
    await within(lost, "the loss");
    await within(other.stop(), "the end of the search");
    equal((await client.start(app)).isMainProcess, true);
    equal((await client.info()).clientCount, 1);
    await client.stop();
  }));

Deno.test("stop() during a start gives it up", () =>
  inFolder(async (make) => {
    const daemon = make();
    const starting = daemon.start(app);
    const refused = rejects(starting, /The start was given up/);
    await within(daemon.stop(), "the end");
    await refused;
    equal((await daemon.start(app)).isMainProcess, true);
    await daemon.stop();
  }));

Deno.test("each port has a server of its own", () =>
  inFolder(async (make) => {
    const port = freePort();
    const [any, one] = [make(), make({ port })];
    equal((await any.start(app)).isMainProcess, true);
    const { isMainProcess, info } = await one.start(app);
    deepEqual([isMainProcess, info.port, info.clientCount], [true, port, 1]);
    await any.stop();
    await one.stop();
  }));

Deno.test("whoever has a part is served, however the others come and go", () =>
  inFolder(async (make) => {
    let answers = 0;
    const live = async () => {
      const daemon = make({ onLost: (reason) => Promise.reject(new Error(reason)) });
      for (let round = 0; round < 15; round++) {
        await daemon.start(app);
        if (await (await fetch(daemon.url!)).text() === "served") answers++;
        await daemon.stop();
      }
    };
    await within(Promise.all(Array.from({ length: 6 }, live)), "90 lives", 60_000);
    equal(answers, 90);
  }));

Deno.test("a start that fails leaves no part, and works when the reason is gone", () =>
  inFolder(async (make) => {
    const squatter = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const daemon = make({ port: (squatter.addr as Deno.NetAddr).port });
    await rejects(daemon.start(app), /the port is in use/);
    await within(daemon.ended, "the end");
    squatter.close();
    equal((await daemon.start(app)).isMainProcess, true);
    await daemon.stop();
  }));

Deno.test("options that cannot be used are named", async () => {
  const make = (options: unknown) => () =>
    new StreamableHttpDaemon(options as StreamableHttpDaemonOptions);
  throws(make({}), /'daemonDir' is undefined/);
  throws(make({ daemonDir: "" }), /'daemonDir' is ""/);
  throws(make({ daemonDir: "/x", port: 65_536 }), /'port' is 65536/);
  throws(make({ daemonDir: "/x", port: "80" }), /'port' is 80; it must be an integer/);
  throws(make({ daemonDir: "/x", whenLost: "cry" }), /'whenLost' is "cry"/);
  const daemon = new StreamableHttpDaemon({ daemonDir: "/x" });
  await rejects(daemon.start({} as never), /the application is an object/);
  await daemon.stop();
});

Deno.test("what is served with host 'localhost' listens on the literal loopback address", () =>
  inFolder(async (make) => {
    const daemon = make({ host: "localhost" });
    await daemon.start(app);
    match(daemon.url!, /^http:\/\/127\.0\.0\.1:\d+$/);
    await daemon.stop();
  }));
