import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { dirname, join } from "@std/path";
import type { LoginShellOutcome } from "../../platform/login_shell.ts";
import { eventually } from "../../tests/e2e/support/within.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Config, ServerEntry } from "../config/types.ts";
import { LiveConfig, type LiveConfigOptions } from "./live_config.ts";

/** A file, a shell that answers when the test says so, and what was applied. */
class Bench implements AsyncDisposable {
  readonly log = new FakeLog();
  readonly applied: Config[] = [];
  readonly shells: PromiseWithResolvers<LoginShellOutcome>[] = [];
  readonly file: string;
  live!: LiveConfig;

  private constructor(folder: string) {
    this.file = join(folder, "config.json");
  }

  static async make(config?: unknown): Promise<Bench> {
    const bench = new Bench(await Deno.makeTempDir());
    if (config !== undefined) bench.write(config);
    return bench;
  }

  write(config: unknown): void {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    Deno.writeTextFileSync(this.file, text);
  }

  async load(changes: Partial<LiveConfigOptions> = {}): Promise<LiveConfig> {
    return this.live = await LiveConfig.load({
      file: this.file,
      required: false,
      override: {},
      variables: { OWN: "own" },
      home: "/home/ada",
      log: this.log,
      // The file is not looked at by itself.
      clock: new FakeClock(),
      children: undefined,
      askShell: () => {
        const shell = Promise.withResolvers<LoginShellOutcome>();
        this.shells.push(shell);
        return shell.promise;
      },
      ...changes,
    });
  }

  async begin(changes?: Partial<LiveConfigOptions>): Promise<LiveConfig> {
    const live = await this.load(changes);
    live.begin((config) => {
      this.applied.push(config);
      return { added: [], removed: [], changed: [], unchanged: [], restart: [] };
    });
    return live;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shell of this.shells) shell.resolve({ problem: "the test is over" });
    await this.live?.[Symbol.asyncDispose]();
    await Deno.remove(dirname(this.file), { recursive: true });
  }
}

function withServer(entry: object, server?: object): object {
  return { ...(server === undefined ? {} : { server }), mcpServers: { one: entry } };
}

function one(config: Config): ServerEntry {
  return config.servers.get("one")!;
}

function args(config: Config): unknown {
  const entry = one(config);
  return entry.kind === "stdio" ? entry.args : entry.kind;
}

Deno.test("a start waits for no login shell, and what only that knows is filled in afterwards", async () => {
  await using bench = await Bench.make(withServer({ command: "x", args: ["${TOKEN}", "${OWN}"] }));
  const live = await bench.begin();
  equal(one(live.initial).kind, "broken");
  equal(bench.applied.length, 0);
  bench.shells[0].resolve({ variables: { PATH: "/bin", TOKEN: "secret", OWN: "login" } });
  await eventually(() => bench.applied.length === 1, "the second reading");
  deepEqual(args(bench.applied[0]), ["secret", "own"]);
  equal((await live.childVariables()).TOKEN, "secret");
  equal(bench.shells.length, 1);
});

Deno.test("a default is not good enough as long as the login shell may know better; the PATH neither", async () => {
  await using bench = await Bench.make(
    withServer({ command: "x", args: ["${TOKEN:-none}", "${PATH}"] }),
  );
  const live = await bench.begin({ variables: { PATH: "/own" } });
  deepEqual(args(live.initial), ["none", "/own"]);
  bench.shells[0].resolve({ variables: { PATH: "/login", TOKEN: "secret" } });
  await eventually(() => bench.applied.length === 1, "the second reading");
  deepEqual(args(bench.applied[0]), ["secret", "/login:/own"]);
});

Deno.test("a shell that knows nothing more changes nothing", async () => {
  await using bench = await Bench.make(withServer({ command: "x", args: ["${TOKEN:-none}"] }));
  const live = await bench.begin();
  bench.shells[0].resolve({ variables: { PATH: "/bin", OTHER: "o" } });
  await live.childVariables();
  deepEqual((await live.requestReload("test")).kind, "reloaded");
  equal(bench.applied.length, 1, "read again although nothing is known that was not");
  deepEqual(args(bench.applied[0]), ["none"]);
});

Deno.test("without servers of the user's own nobody asks the login shell", async () => {
  await using bench = await Bench.make({ server: { port: 7183 } });
  const live = await bench.begin();
  await live.requestReload("test");
  equal(bench.shells.length, 0);
});

Deno.test("a login shell that the file says not to ask is not asked, not even by a reload", async () => {
  await using bench = await Bench.make(
    withServer({ command: "x", args: ["${TOKEN:-none}"] }, { loginShell: false }),
  );
  const live = await bench.begin();
  equal((await live.childVariables()).OWN, "own");
  await live.requestReload("test");
  equal(bench.shells.length, 0);
  deepEqual(bench.applied.map(args), [["none"]]);
});

Deno.test("a setting that needs the login shell is waited for", async () => {
  await using bench = await Bench.make(withServer({ command: "x" }, { allowedHosts: ["${NAME}"] }));
  const loading = bench.load();
  await eventually(() => bench.shells.length === 1, "the question to the shell");
  bench.shells[0].resolve({ variables: { PATH: "/bin", NAME: "dev.example.com" } });
  deepEqual((await loading).initial.server.allowedHosts, ["dev.example.com"]);

  await using unknown = await Bench.make(withServer({ command: "x" }, { host: "${NAME}" }));
  const failing = unknown.load();
  await eventually(() => unknown.shells.length === 1, "the question to the shell");
  unknown.shells[0].resolve({ problem: "it is slow" });
  await rejects(failing, /NAME is not set/);
});

Deno.test("a reload waits for the login shell when the file refers to what only that may know", async () => {
  await using bench = await Bench.make(withServer({ command: "x" }));
  const live = await bench.begin();
  bench.write(withServer({ command: "x", args: ["${TOKEN}"] }));
  const reloading = live.requestReload("test");
  bench.shells[0].resolve({ variables: { PATH: "/bin", TOKEN: "secret" } });
  await reloading;
  deepEqual(args(bench.applied[0]), ["secret"]);
});

Deno.test("a file that is broken, or gone, changes nothing; the status says why", async () => {
  await using bench = await Bench.make(withServer({ command: "x" }));
  const live = await bench.begin();
  bench.shells[0].resolve({ problem: "no shell" });
  deepEqual(live.status(), { file: bench.file, restart: [] });
  bench.write("{ broken");
  equal((await live.requestReload("test")).kind, "kept");
  match(live.status().problem ?? "", /config\.json:1:/);
  Deno.removeSync(bench.file);
  const gone = await live.requestReload("test");
  match(gone.kind === "kept" ? gone.problem : "", /There is no such configuration file/);
  equal(bench.applied.length, 0);
  bench.write(withServer({ command: "y" }));
  equal((await live.requestReload("test")).kind, "reloaded");
  deepEqual(live.status(), { file: bench.file, restart: [] });
});

Deno.test("a file that appears where there was none is read; one that is saved is read again", async () => {
  await using bench = await Bench.make();
  const live = await bench.begin({ clock: systemClock });
  equal(live.initial.source, undefined);
  bench.write(withServer({ command: "x", args: ["1"] }));
  await eventually(() => bench.applied.length === 1, "the reading of the new file");
  bench.write(withServer({ command: "x", args: ["2"] }));
  await eventually(() => bench.applied.length === 2, "the reading of the saved file");
  deepEqual(bench.applied.map(args), [["1"], ["2"]]);
});

Deno.test("before it begins and after its end nothing is reloaded", async () => {
  await using bench = await Bench.make(withServer({ command: "x" }));
  const early = await (await bench.load()).requestReload("test");
  deepEqual(early, { kind: "kept", problem: "the daemon is starting" });
  const live = await bench.begin();
  for (const shell of bench.shells) shell.resolve({ problem: "no shell" });
  await live[Symbol.asyncDispose]();
  const late = await live.requestReload("test");
  deepEqual(late, { kind: "kept", problem: "the daemon is stopping" });
  equal(bench.applied.length, 0);
});
