import { equal, match, rejects } from "node:assert/strict";
import { type Clock, systemClock } from "../../platform/clock.ts";
import { isLocked, tryLock } from "../daemon/lock.ts";
import { DaemonProblem } from "../daemon/problem.ts";
import { readAnnouncement } from "./announcement.ts";
import { knowApp } from "./app.ts";
import { servicePaths } from "./paths.ts";
import { takePart, type TakePartOptions } from "./take_part.ts";

type Options = Partial<TakePartOptions>;

async function inFolder(
  body: (
    take: (options?: Options) => ReturnType<typeof takePart>,
    options: TakePartOptions,
  ) => Promise<void>,
): Promise<void> {
  const daemonDir = await Deno.makeTempDir();
  const options: TakePartOptions = {
    app: knowApp(() => new Response("served")),
    host: "127.0.0.1",
    port: 0,
    paths: servicePaths({ daemonDir, port: 0, machine: "m1" }),
    clock: systemClock,
    report: { debug() {}, fault() {} },
    mayServe: true,
    deadlineMs: 30_000,
    signal: new AbortController().signal,
    random: Math.random,
  };
  try {
    await body((more) => takePart({ ...options, ...more }), options);
  } finally {
    await Deno.remove(daemonDir, { recursive: true });
  }
}

/** Every pause passes at once: patience costs a test nothing. */
function hastyClock(): Clock {
  let time = 0;
  return {
    now: () => time,
    after(ms, callback) {
      time += ms;
      queueMicrotask(callback);
      return { [Symbol.dispose]() {} };
    },
  };
}

Deno.test("the first serves, the next is registered, and nothing is left when both are gone", () =>
  inFolder(async (take, { paths }) => {
    const main = await take();
    equal(main.isMainProcess, true);
    const client = await take();
    equal(client.isMainProcess, false);
    equal(client.url, main.url);
    equal(client.atStart.clientCount, 2);
    await client.release();
    equal((await main.info()).clientCount, 1);
    await main.release();
    equal((await main.over).lost, false);
    equal(isLocked(paths.lock), false);
    equal(readAnnouncement(paths.announcement), undefined);
  }));

Deno.test("a stale announcement, whoever has its port by now, does not keep a process from serving", () =>
  inFolder(async (take, { paths }) => {
    const secrets: unknown[] = [];
    const squatter = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ headers }) => {
        if (headers.has("authorization")) secrets.push(headers.get("authorization"));
        return Response.json({
          revision: 1,
          instanceId: "i-1",
          pid: 1,
          draining: false,
          proof: "0".repeat(64),
        });
      },
    );
    const before = await take();
    await before.end("test");
    Deno.writeTextFileSync(
      paths.announcement,
      JSON.stringify({
        revision: 1,
        url: `http://127.0.0.1:${squatter.addr.port}`,
        instanceId: "i-1",
        pid: Deno.pid,
      }),
    );
    await rejects(
      take({ mayServe: false, deadlineMs: 0 }),
      /within 0 ms: no process serves/,
    );
    const main = await take();
    equal(main.isMainProcess, true);
    await main.end("test");
    await squatter.shutdown();
    equal(secrets.length, 0);
  }));

for (const text of ["", "{", "null", '{"url": 7}']) {
  Deno.test(`a damaged announcement (${JSON.stringify(text)}) is as good as none`, () =>
    inFolder(async (take, { paths }) => {
      await (await take()).end("test");
      Deno.writeTextFileSync(paths.announcement, text);
      Deno.writeTextFileSync(paths.token, text);
      const main = await take();
      equal(main.isMainProcess, true);
      await main.end("test");
    }));
}

Deno.test("a holder of the lock that says nothing hangs: a clear error, and nothing is taken from it", () =>
  inFolder(async (take, { paths }) => {
    Deno.mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
    using _lock = tryLock(paths.lock);
    const clock = hastyClock();
    await rejects(
      take({ clock }),
      new DaemonProblem(
        `Cannot start: the daemon hangs. Another process holds ${paths.lock}, but it has not said ` +
          "where it listens. End that process, then start again.",
      ),
    );
    equal(clock.now() < 10_000, true);
  }));

Deno.test("a port that belongs to another program: a clear error, and the lock is free", () =>
  inFolder(async (take, { paths }) => {
    const squatter = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("fine"),
    );
    const { port } = squatter.addr;
    await rejects(take({ port }), (error: Error) => {
      equal(error instanceof DaemonProblem, true);
      equal(
        error.message,
        `Cannot listen on 127.0.0.1:${port}: the port is in use, and what answers at ` +
          `http://127.0.0.1:${port} is another program. Choose another 'port', or end that program.`,
      );
      return true;
    });
    equal(isLocked(paths.lock), false);
    await squatter.shutdown();
  }));

Deno.test("a port that belongs to a daemon of another folder: a clear error", () =>
  inFolder(async (take) => {
    const other = await take();
    await inFolder(async (takeHere) => {
      const { port } = other.atStart;
      await rejects(
        takeHere({ port }),
        new RegExp(`the port is in use, and .*process ${Deno.pid}.* daemon of another folder`),
      );
    });
    await other.end("test");
  }));

Deno.test("a port that is ours is joined, though the lock file was deleted under it", () =>
  inFolder(async (take, { paths }) => {
    const main = await take();
    Deno.removeSync(paths.lock);
    Deno.removeSync(paths.announcement);
    const client = await take({ port: main.atStart.port });
    equal(client.isMainProcess, false);
    equal(client.url, main.url);
    equal((await main.info()).clientCount, 2);
    await client.release();
    await main.end("test");
  }));

Deno.test("a folder that was deleted is taken again, or given up to who has taken it", () =>
  inFolder(async (take, { paths }) => {
    // The look after the folder is the only timer of a server.
    let look = () => {};
    const clock: Clock = {
      now: () => 0,
      after(_, callback) {
        look = callback;
        return { [Symbol.dispose]() {} };
      },
    };
    const main = await take({ clock });
    Deno.removeSync(paths.folder, { recursive: true });
    look();
    equal(isLocked(paths.lock), true);
    const client = await take();
    equal(client.url, main.url);

    Deno.removeSync(paths.folder, { recursive: true });
    const other = await take();
    equal(other.isMainProcess, true);
    look();
    match((await main.over).reason, /another process has taken its place/);
    equal((await main.over).lost, true);
    equal((await client.over).lost, true);
    equal(readAnnouncement(paths.announcement)?.url, other.url);
    await other.end("test");
  }));

Deno.test("who may not serve waits for one that does, and no longer than told", () =>
  inFolder(async (take) => {
    const waiting = take({ mayServe: false });
    const main = await take();
    const client = await waiting;
    equal(client.isMainProcess, false);
    await client.release();
    await main.end("test");
    await rejects(
      take({ mayServe: false, clock: hastyClock() }),
      /within 30000 ms: no process serves/,
    );
  }));

Deno.test("a start that is given up ends with the reason and takes no part", () =>
  inFolder(async (take, { paths }) => {
    const abort = new AbortController();
    const waiting = take({ mayServe: false, signal: abort.signal });
    abort.abort(new Error("enough"));
    await rejects(waiting, /enough/);
    equal(isLocked(paths.lock), false);
  }));

Deno.test({
  name: "a folder that others can enter is refused, and one that cannot be made is explained",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (take, { paths }) => {
      Deno.mkdirSync(paths.folder, { recursive: true });
      Deno.chmodSync(paths.folder, 0o770);
      await rejects(take(), /mode is 0770.*chmod 700/);
      const file = `${paths.folder}/file`;
      Deno.writeTextFileSync(file, "");
      const folder = `${file}/port-0`;
      await rejects(
        take({ paths: { ...paths, folder, lock: `${folder}/daemon.lock` } }),
        /Cannot make the folder .*file\/port-0: .* Choose another 'daemonDir'\./,
      );
    }),
});
