/**
 * The SDK in a process of its own: that it ends by itself, and that it does the same on Deno and on
 * Node. Node runs a bundle, since Node 20 does not read TypeScript.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import type { ClientOptions } from "./mod.ts";
import { startDaemon } from "./testdata/daemon.ts";
import { stdioServer, TempDir, testdata } from "./testdata/fixtures.ts";

/** Milliseconds in which a program must have ended; only a broken one takes longer. */
const DEADLINE_MS = 30_000;

interface Runtime {
  name: string;
  isAvailable: boolean;
  /** Command line that runs the program. */
  commandLine(dir: string): Promise<string[]>;
}

const runtimes: Runtime[] = [
  {
    name: "Deno",
    isAvailable: true,
    commandLine: () =>
      Promise.resolve([
        Deno.execPath(),
        "run",
        "--allow-all",
        "--no-check",
        testdata("program.ts"),
      ]),
  },
  {
    name: "Node",
    isAvailable: canRun("node"),
    async commandLine(dir) {
      const bundle = join(dir, "program.mjs");
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["bundle", "--platform", "node", "--output", bundle, testdata("program.ts")],
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return ["node", bundle];
    },
  },
];

function canRun(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs the program to its end, and gives what it printed. */
async function run(
  commandLine: string[],
  scenario: string,
  options: ClientOptions,
): Promise<unknown> {
  const [command, ...args] = commandLine;
  const child = new Deno.Command(command, {
    args: [...args, scenario, JSON.stringify(options)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, DEADLINE_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const errors = new TextDecoder().decode(stderr);
  assert.equal(isLate, false, `${scenario} did not end by itself; stderr: ${errors}`);
  assert.equal(errors, "");
  assert.equal(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What a client that listens has to say. */
const heard = {
  heard: ["notifications/message"],
  answers: [
    '{"result":{"action":"decline"}}',
    '{"result":{"roots":[{"uri":"file:///a"}]}}',
    '{"error":{"code":-32601,"message":"Cannot take sampling/createMessage: the client declared no ' +
    'such capability"}}',
  ],
};

for (const { name, isAvailable, commandLine } of runtimes) {
  Deno.test({
    name: `process (${name}): ends by itself, whatever it did and did not close`,
    ignore: !isAvailable,
    async fn(t) {
      await using dir = new TempDir();
      const program = await commandLine(dir.path);
      for (const answerAs of ["json", "sse"] as const) {
        await t.step(`over the daemon (${answerAs})`, async () => {
          await using home = new TempDir();
          await using _daemon = await startDaemon(home.path, { behaviour: { answerAs } });
          const options: ClientOptions = { home: home.path, server: "tester", mode: "daemon" };
          assert.equal(await run(program, "call", options), "hi");
          assert.equal(await run(program, "closed", options), "hi");
          assert.equal(await run(program, "running", options), true);
          assert.equal(await run(program, "timeout", options), "timeout");
          // An answer in JSON has no room for what the server asks before it.
          if (answerAs === "sse") assert.deepEqual(await run(program, "listening", options), heard);
        });
      }
      await t.step("over a process, which ends as well", async () => {
        await using home = new TempDir();
        const options: ClientOptions = { home: home.path, server: "tester", mode: "spawn" };
        const spawned = { ...options, spawn: stdioServer() };
        assert.deepEqual(await run(program, "listening", spawned), heard);
        for (const scenario of ["call", "closed"]) {
          using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
          const connecting = listener.accept();
          connecting.catch(() => {}); // When the program fails, that is the error to see.
          const env = { WATCH_PORT: String(listener.addr.port) };
          const spawn = { ...stdioServer("watched"), env };
          assert.equal(await run(program, scenario, { ...options, spawn }), "hi");
          // The connection ends when the server does.
          using watch = await connecting;
          assert.equal(await watch.read(new Uint8Array(1)).catch(() => null), null);
        }
      });
      await t.step("with nothing there at all", async () => {
        await using home = new TempDir();
        assert.equal(await run(program, "running", { home: home.path }), false);
      });
    },
  });
}

Deno.test("process: the same on every runtime and in every mode", async () => {
  await using dir = new TempDir();
  await using home = new TempDir();
  await using _daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
  const outcomes: unknown[] = [];
  for (const { isAvailable, commandLine } of runtimes) {
    if (!isAvailable) continue;
    const program = await commandLine(dir.path);
    for (const mode of ["daemon", "spawn"] as const) {
      const options = { home: home.path, server: "tester", mode, spawn: stdioServer() };
      outcomes.push(await run(program, "tour", options));
    }
  }
  for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0]);
  assert.deepEqual((outcomes[0] as { timeout: string }).timeout, "timeout");
});
