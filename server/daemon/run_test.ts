import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { eventually } from "../../tests/e2e/support/within.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { inWorld, TinyApp } from "../../tests/fixtures/tiny_daemon.ts";
import { type PublishedAnnouncement, readAnnouncement } from "./announce.ts";
import type { CreateApp } from "./app.ts";
import { readChildrenJournal } from "./children.ts";
import { ask } from "./control.ts";
import { find, look } from "./find.ts";
import { halt } from "./halt.ts";
import { isLocked, tryLock } from "./lock.ts";
import { DaemonProblem, ElectionLost } from "./problem.ts";
import { runDaemon } from "./run.ts";

Deno.test("a daemon that runs is found by its proof, stops when asked, and leaves nothing behind", () =>
  inWorld(async ({ options, app, start }) => {
    const { paths } = options;
    equal((await find({ paths })).kind, "stopped");
    const { announcement, ended } = await start();
    const found = await find({ paths });
    equal(found.kind, "running");
    if (found.kind !== "running") return;
    equal(found.health.instanceId, announcement.instanceId);
    deepEqual(found.announcement, announcement);
    equal(Deno.readTextFileSync(paths.pidFile), `${Deno.pid}\n`);
    equal(isLocked(paths.daemonLock), true);

    const stop = await ask(`${announcement.url}/shutdown`, {
      method: "POST",
      token: found.token,
      timeoutMs: 5_000,
    });
    equal(stop.status, 202);
    await ended;
    equal(app.drained, "POST /shutdown");
    equal(isLocked(paths.daemonLock), false);
    equal((await look({ paths })).kind, "stopped");
    const left = [...Deno.readDirSync(paths.runDir)].map((entry) => entry.name).sort();
    deepEqual(left, ["daemon.lock", "sessions.db", "token"]);
  }));

Deno.test("the second daemon of a home loses the election and disturbs nothing", () =>
  inWorld(async ({ options, app, start }) => {
    const { announcement, ended } = await start();
    await rejects(runDaemon({ ...options, createApp: new TinyApp().createApp }), ElectionLost);
    deepEqual(readAnnouncement(options.paths), announcement);
    app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("a port that is taken: the other program, or the other home, is named with the remedy", () =>
  inWorld(async ({ options, app, start }) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const closing = (async () => {
      for await (const connection of listener) connection.close();
    })();
    await rejects(
      runDaemon({ ...options, given: { port, config: false } }),
      (error: Error) => {
        equal(error instanceof DaemonProblem, true);
        equal(
          error.message,
          `Cannot listen on 127.0.0.1:${port}: the port is in use by another program. ` +
            `Choose another with --port N or "server": {"port": N} in ${options.configFile}.`,
        );
        return true;
      },
    );
    listener.close();
    await closing.catch(() => {}); // The accept loop ends with BadResource when the listener closes.
    equal(isLocked(options.paths.daemonLock), false);

    const { announcement, ended } = await start();
    await inWorld(async (other) => {
      const given = { port: Number(new URL(announcement.url).port), config: false };
      await rejects(
        runDaemon({ ...other.options, given }),
        new RegExp(`an aichaku daemon of another home \\(process ${Deno.pid}\\)`),
      );
    });
    app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("an address that others can reach needs the token", () =>
  inWorld(async ({ options, app, start }) => {
    await rejects(
      runDaemon({ ...options, given: { host: "0.0.0.0", port: 0, config: false } }),
      /Cannot listen on 0\.0\.0\.0: .*"requireToken": true/,
    );
    Deno.writeTextFileSync(
      options.configFile,
      `{"server": {"host": "0.0.0.0", "requireToken": true}}`,
    );
    const { announcement, ended } = await start();
    match(announcement.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    equal(announcement.settings.requireToken, true);
    equal((await find({ paths: options.paths })).kind, "running");
    app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("a configuration that cannot be used stops the start, and the lock is free", () =>
  inWorld(async ({ options }) => {
    Deno.writeTextFileSync(options.configFile, "{ broken");
    await rejects(runDaemon(options), { name: "ConfigError" });
    equal(isLocked(options.paths.daemonLock), false);
    equal(readAnnouncement(options.paths), undefined);
  }));

Deno.test("a squatter on the announced port is not taken for the daemon, and is sent no token", () =>
  inWorld(async ({ options }) => {
    const { paths } = options;
    const seen: string[] = [];
    const squatter = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      seen.push(`${request.method} ${request.headers.get("authorization")}`);
      return Response.json({
        status: "ok",
        sessions: 0,
        pid: 1,
        version: "0.1.0",
        instanceId: "i-1",
        uptime: 1,
        servers: {},
        proof: "0".repeat(64),
      });
    });
    Deno.mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(paths.tokenFile, "a-token-of-ours-0123456789");
    const announced = {
      url: `http://127.0.0.1:${squatter.addr.port}`,
      socket: null,
      pid: Deno.pid,
      startTime: 1,
      instanceId: "i-1",
      version: "0.1.0",
      protocol: { min: 1, max: 1 },
      logPath: "/log",
    };
    Deno.writeTextFileSync(paths.daemonJson, JSON.stringify(announced));
    equal((await find({ paths })).kind, "stopped");
    equal(await halt({ paths, force: true }), "was not running");
    {
      using _daemon = tryLock(paths.daemonLock);
      const sighting = await look({ paths });
      equal(sighting.kind, "silent");
      if (sighting.kind === "silent") match(sighting.why, /could not prove to be our daemon/);
    }
    await squatter.shutdown();
    deepEqual([...new Set(seen)], ["GET null"]);
  }));

Deno.test({
  name: "a run folder that others can enter is refused by the daemon and by whoever looks for it",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inWorld(async ({ options }) => {
      Deno.mkdirSync(options.paths.runDir, { recursive: true });
      Deno.chmodSync(options.paths.runDir, 0o770);
      await rejects(runDaemon(options), /mode is 0770.*chmod 700/);
      await rejects(look({ paths: options.paths }), /mode is 0770.*chmod 700/);
    }),
});

Deno.test("force never kills a process that is not the one announced", () =>
  inWorld(async ({ options }) => {
    const { paths } = options;
    const bystander = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=js", "setInterval(() => {}, 1e6)"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    const status = bystander.status.then(() => ended = true);
    Deno.mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
    using _lock = tryLock(paths.daemonLock);
    Deno.writeTextFileSync(
      paths.daemonJson,
      JSON.stringify({
        url: "http://127.0.0.1:1",
        socket: null,
        pid: bystander.pid,
        startTime: 1,
        instanceId: "i-1",
        version: "0.1.0",
        protocol: { min: 1, max: 1 },
        logPath: "/log",
      }),
    );
    // Each pause passes at once, so that the patience for a silent holder costs the test nothing.
    let time = 0;
    const clock = {
      now: () => time,
      after(ms: number, callback: () => void) {
        time += ms;
        queueMicrotask(callback);
        return { [Symbol.dispose]() {} };
      },
    };
    await rejects(halt({ paths, force: false, clock }), /hangs.*--stop-server --force/);
    await rejects(
      halt({ paths, force: true, clock }),
      new RegExp(`Will not kill process ${bystander.pid}`),
    );
    Deno.removeSync(paths.daemonJson);
    await rejects(halt({ paths, force: true, clock }), /does not say which process/);
    equal(ended, false);
    bystander.kill("SIGKILL");
    await status;
  }));

Deno.test("a handler that throws is answered and logged, and the daemon goes on", () =>
  inWorld(async ({ app, lines, start }) => {
    const { announcement, ended } = await start();
    equal((await ask(`${announcement.url}/boom`, { timeoutMs: 5_000 })).status, 500);
    equal((await ask(`${announcement.url}/health`, { timeoutMs: 5_000 })).status, 200);
    equal(
      lines.some(({ level, message }) => level === "error" && message === "request failed"),
      true,
    );
    app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("started for a client it ends when nobody has used it for five minutes; by hand, never", () =>
  inWorld(async ({ options, lines, start }) => {
    const clock = new FakeClock();
    Object.assign(options, { clock, autostarted: true });
    const { announcement, ended } = await start();
    equal(announcement.settings.autostarted, true);
    clock.advance(5 * 60_000 - 10_000);
    equal((await find({ paths: options.paths })).kind, "running");
    clock.advance(20_000);
    await ended;
    equal(lines.some(({ reason }) => reason === "nobody used it for 300 s"), true);

    options.autostarted = false;
    const byHand = await start();
    clock.advance(3_600_000);
    equal((await find({ paths: options.paths })).kind, "running");
    Deno.removeSync(options.paths.daemonLock);
    clock.advance(2_000);
    await byHand.ended;
  }));

Deno.test("a daemon whose lock file was deleted ends, and touches nothing of its successor", () =>
  inWorld(async ({ options, app, start }) => {
    const { paths } = options;
    const clock = new FakeClock();
    options.clock = clock;
    const { ended } = await start();
    Deno.removeSync(paths.runDir, { recursive: true });
    const next = new TinyApp();
    const ready = Promise.withResolvers<PublishedAnnouncement>();
    const successor = runDaemon({
      ...options,
      clock: undefined,
      onReady: ready.resolve,
      createApp: next.createApp,
    });
    await ready.promise;
    app.options.children.add(1_000_000, "of the lost daemon");
    clock.advance(2_000);
    await ended;
    const announced = await ready.promise;
    deepEqual(readAnnouncement(paths), announced);
    deepEqual(readChildrenJournal(paths.childrenJson), {
      instanceId: announced.instanceId,
      children: [],
    });
    equal((await find({ paths })).kind, "running");
    next.options.requestShutdown("test");
    await successor;
  }));

Deno.test("what leads clients to the daemon is written again when it was deleted or changed", () =>
  inWorld(async ({ options, app, start }) => {
    const { paths } = options;
    const clock = new FakeClock();
    options.clock = clock;
    const { announcement, ended } = await start();
    const token = Deno.readTextFileSync(paths.tokenFile);
    const elsewhere = { ...announcement, url: "http://127.0.0.1:1" };
    const spoils = [
      () => Deno.removeSync(paths.daemonJson),
      () => Deno.writeTextFileSync(paths.daemonJson, JSON.stringify(elsewhere)),
      () => Deno.writeTextFileSync(paths.tokenFile, "not-the-token-of-this-daemon"),
      () => Deno.removeSync(paths.tokenFile),
    ];
    for (const spoil of spoils) {
      spoil();
      equal((await look({ paths })).kind, "silent");
      clock.advance(2_000);
      equal((await look({ paths })).kind, "running");
      deepEqual(readAnnouncement(paths), announcement);
      equal(Deno.readTextFileSync(paths.tokenFile), token);
    }
    app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("a drain that fails does not keep the daemon alive", () =>
  inWorld(async ({ options, app, lines }) => {
    const createApp: CreateApp = (appOptions) => ({
      ...app.createApp(appOptions),
      drain: () => {
        throw new Error("it broke");
      },
    });
    const ready = Promise.withResolvers<void>();
    const ended = runDaemon({ ...options, createApp, onReady: () => ready.resolve() });
    await ready.promise;
    app.options.requestShutdown("test");
    await ended;
    equal(isLocked(options.paths.daemonLock), false);
    equal(lines.some(({ message }) => message === "draining failed"), true);
  }));

Deno.test({
  name: "SIGHUP, the control plane and a saved file all reload; what needs a restart is named",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inWorld(async ({ options, app, lines, start }) => {
      const write = (server: object) =>
        Deno.writeTextFileSync(options.configFile, JSON.stringify({ server }));
      const { ended } = await start();
      write({ projectRoots: ["/"] });
      await eventually(() => app.reloads.length === 1, "the reload of the saved file");
      Deno.kill(Deno.pid, "SIGHUP");
      await eventually(() => app.reloads.length === 2, "the reload at SIGHUP");
      const reasons = lines.filter(({ message }) => message === "configuration reloaded")
        .map(({ reason }) => reason);
      deepEqual(reasons, [`${options.configFile} changed`, "SIGHUP"]);

      Deno.writeTextFileSync(options.configFile, "{ broken");
      equal((await app.options.requestReload("test")).kind, "kept");
      match(app.options.configuration().problem ?? "", /config\.json:1:/);
      write({ tcpPort: 1, projectRoots: ["/"] });
      const outcome = await app.options.requestReload("test");
      deepEqual(outcome.kind === "reloaded" && outcome.report.restart, ["server.tcpPort"]);
      deepEqual(app.options.configuration(), {
        file: options.configFile,
        restart: ["server.tcpPort"],
      });

      app.options.requestShutdown("test");
      await ended;
      const late = await app.options.requestReload("late");
      deepEqual(late, { kind: "kept", problem: "the daemon is stopping" });
    }),
});

Deno.test({
  name: "attached to a terminal, SIGHUP ends the daemon",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inWorld(async ({ options, app, start }) => {
      options.detached = false;
      const { ended } = await start();
      Deno.kill(Deno.pid, "SIGHUP");
      await ended;
      equal(app.drained, "SIGHUP");
      deepEqual(app.reloads, []);
    }),
});

Deno.test("the idle time is that of the last configuration", () =>
  inWorld(async ({ options, app, lines, start }) => {
    const clock = new FakeClock();
    options.clock = clock;
    const { ended } = await start();
    Deno.writeTextFileSync(options.configFile, `{"server": {"idleTimeout": "1h"}}`);
    await app.options.requestReload("test");
    clock.advance(1_800_000);
    Deno.writeTextFileSync(options.configFile, `{"server": {"idleTimeout": "1m"}}`);
    const outcome = await app.options.requestReload("test");
    deepEqual(outcome.kind === "reloaded" && outcome.report.restart, []);
    equal(app.drained, undefined);
    clock.advance(61_000);
    await ended;
    equal(lines.some(({ reason }) => reason === "nobody used it for 60 s"), true);
  }));

Deno.test("a daemon that ends while the login shell is asked leaves no shell behind", () =>
  inWorld(async ({ options, app, start }) => {
    const { paths } = options;
    Deno.writeTextFileSync(options.configFile, `{"mcpServers": {"one": {"command": "x"}}}`);
    const asked = Promise.withResolvers<void>();
    options.askShell = ({ children, signal }) => {
      children!.add(1_000_000);
      asked.resolve();
      return new Promise((resolve) =>
        signal!.addEventListener("abort", () => {
          children!.remove(1_000_000);
          resolve({ problem: "was ended" });
        })
      );
    };
    const { ended } = await start();
    await asked.promise;
    // Should the daemon be killed now, the next start knows what to end.
    equal(readChildrenJournal(paths.childrenJson)?.children[0].pid, 1_000_000);
    const variables = app.options.childVariables();
    app.options.requestShutdown("test");
    await ended;
    deepEqual(await variables, options.variables);
    const left = [...Deno.readDirSync(paths.runDir)].map((entry) => entry.name).sort();
    deepEqual(left, ["daemon.lock", "sessions.db", "token"]);
  }));

Deno.test("what is served and cannot go over to another configuration keeps its own", () =>
  inWorld(async ({ options, app }) => {
    const createApp: CreateApp = (appOptions) => ({
      ...app.createApp(appOptions),
      reload: undefined,
    });
    const ready = Promise.withResolvers<void>();
    const ended = runDaemon({ ...options, createApp, onReady: () => ready.resolve() });
    await ready.promise;
    const problem = "This daemon cannot be reloaded";
    deepEqual(await app.options.requestReload("test"), { kind: "kept", problem });
    app.options.requestShutdown("test");
    await ended;
  }));
