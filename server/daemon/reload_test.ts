import { deepEqual, equal, match } from "node:assert/strict";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { ConfigError, parseConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { needsRestart, Reloader } from "./reload.ts";

function parse(text: string): Promise<Config> {
  return parseConfig(text, { file: "/c.json", env: {}, home: "/home/ada" });
}

/** A reloader whose every load waits for the test. */
class Bench {
  readonly log = new FakeLog();
  readonly loads: PromiseWithResolvers<Config>[] = [];
  readonly applied: Config[] = [];
  refusal: Error | undefined;
  restart: string[] = [];
  readonly reloader: Reloader;

  constructor(initial: Config) {
    this.reloader = new Reloader({
      initial,
      log: this.log,
      load: () => {
        const load = Promise.withResolvers<Config>();
        this.loads.push(load);
        return load.promise;
      },
      apply: (config) => {
        if (this.refusal !== undefined) throw this.refusal;
        this.applied.push(config);
        const names = [...config.servers.keys()];
        return { added: names, removed: [], changed: [], unchanged: [], restart: this.restart };
      },
    });
  }

  logged(level: string): string[] {
    return this.log.lines.filter((line) => line.level === level).map((line) => line.message);
  }
}

const ONE = await parse(`{"mcpServers": {"one": {"command": "x"}}}`);
const TWO = await parse(`{"mcpServers": {"two": {"command": "x"}}, "tpyo": 1}`);

Deno.test("a file that cannot be used changes nothing, and is told until one can be used", async () => {
  const bench = new Bench(ONE);
  const { reloader, loads, applied } = bench;
  const refused = reloader.request("SIGHUP");
  loads[0].reject(new ConfigError(["/c.json:1:1: broken"]));
  const outcome = await refused;
  equal(outcome.kind, "kept");
  equal(outcome.kind === "kept" && outcome.problem, reloader.problem);
  match(reloader.problem ?? "", /\/c\.json:1:1: broken/);
  deepEqual(applied, []);
  deepEqual(bench.logged("error"), ["configuration not reloaded: what runs stays as it is"]);
  equal(bench.log.lines[0].fields.reason, "SIGHUP");

  const accepted = reloader.request("SIGHUP");
  loads[1].resolve(TWO);
  equal((await accepted).kind, "reloaded");
  equal(reloader.problem, undefined);
  deepEqual(applied, [TWO]);
  match(bench.logged("warn").join("\n"), /"tpyo" is not known/);
});

Deno.test("what is warned of already is not warned of again", async () => {
  const bench = new Bench(TWO);
  const reloaded = bench.reloader.request("test");
  bench.loads[0].resolve(TWO);
  await reloaded;
  deepEqual(bench.logged("warn"), []);
});

Deno.test("asked for while it is read: read once more, and everybody is told of the last one", async () => {
  const bench = new Bench(ONE);
  const { reloader, loads, applied } = bench;
  const first = reloader.request("first");
  const others = [reloader.request("second"), reloader.request("third")];
  loads[0].resolve(ONE);
  while (loads.length < 2) await Promise.resolve();
  // What was read first is not what was asked for last, even when it was broken.
  const fourth = reloader.request("fourth");
  loads[1].reject(new ConfigError(["half written"]));
  while (loads.length < 3) await Promise.resolve();
  loads[2].resolve(TWO);
  for (const outcome of await Promise.all([first, ...others, fourth])) {
    equal(outcome.kind === "reloaded" && outcome.report.added.includes("two"), true);
  }
  deepEqual(applied, [TWO]);
  equal(loads.length, 3);

  const later = reloader.request("later");
  loads[3].resolve(ONE);
  await later;
  deepEqual(applied, [TWO, ONE]);
});

Deno.test("a configuration that cannot be gone over to is one that cannot be used", async () => {
  const bench = new Bench(ONE);
  bench.refusal = new Error("a fault of our own");
  const reloaded = bench.reloader.request("test");
  bench.loads[0].resolve(TWO);
  deepEqual(await reloaded, { kind: "kept", problem: "a fault of our own" });
  equal(bench.log.lines[0].fields.error, bench.refusal);
});

Deno.test("a daemon that ends reloads nothing, not even what was being read", async () => {
  const bench = new Bench(ONE);
  const { reloader, loads, applied } = bench;
  const running = reloader.request("test");
  reloader.end("the daemon is stopping");
  const late = reloader.request("late");
  loads[0].resolve(TWO);
  const kept = { kind: "kept", problem: "the daemon is stopping" };
  deepEqual([await running, await late], [kept, kept]);
  deepEqual(applied, []);
  equal(reloader.problem, undefined);
});

Deno.test("settings that only a restart applies are named", async () => {
  const bench = new Bench(ONE);
  bench.restart = ["server.port"];
  const reloaded = bench.reloader.request("test");
  bench.loads[0].resolve(ONE);
  await reloaded;
  deepEqual(bench.reloader.restart, ["server.port"]);
  match(bench.logged("warn")[0], /^server\.port: applied by the next restart/);

  const runs = ONE.server;
  deepEqual(needsRestart(runs, { ...runs }), []);
  const wanted = {
    ...runs,
    port: 7183,
    tcpPort: 7184,
    allowedHosts: ["h"],
    requireToken: true,
    idleTimeoutMs: 1,
    limits: { ...runs.limits, maxSessions: 1, maxServerMessageBytes: 1 },
  };
  deepEqual(needsRestart(runs, wanted), [
    "server.port",
    "server.tcpPort",
    "server.requireToken",
    "server.limits.maxServerMessageBytes",
  ]);
});
