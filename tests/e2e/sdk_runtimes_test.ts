/** The SDK on Deno and on Node against the same daemon: one suite, and ten processes at once. */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { asking } from "./support/servers.ts";
import { within } from "./support/within.ts";

const DEADLINE_MS = 90_000;
const config = { mcpServers: { asking: asking() } };

function source(name: string): string {
  return fromFileUrl(new URL(`../node/${name}`, import.meta.url));
}

/** The same program for Node, which does not read TypeScript. */
async function bundle(name: string, daemon: DaemonFixture): Promise<string> {
  const output = join(daemon.home, "..", name.replace(/\.ts$/, ".mjs"));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "node", "--output", output, source(name)],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return output;
}

async function run(command: string, args: string[], daemon: DaemonFixture): Promise<string> {
  const running = new Deno.Command(command, {
    args,
    env: { ...daemon.env, SUITE_SPAWN: JSON.stringify(config.mcpServers.asking) },
    clearEnv: true,
    stdin: "null",
  }).output();
  const { code, stdout, stderr } = await within(running, `end of ${command}`, DEADLINE_MS);
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, `${text}\n${new TextDecoder().decode(stderr)}`);
  return text;
}

daemonTest("sdk: the suite on Deno", {
  referee: { judges: "only ours", because: "it asks for a method that is not there" },
  config,
}, async (daemon) => {
  const args = ["test", "-A", "--no-check", source("sdk_suite.ts")];
  assert.match(await run(Deno.execPath(), args, daemon), /18 passed/);
});

daemonTest("sdk: the same suite on Node", {
  referee: { judges: "only ours", because: "it asks for a method that is not there" },
  config,
}, async (daemon) => {
  const suite = await bundle("sdk_suite.ts", daemon);
  const report = await run("node", ["--test", "--test-reporter=tap", suite], daemon);
  assert.match(report, /# pass 18\n# fail 0/);
});

daemonTest(
  "sdk: ten processes, on Deno and on Node, share one server",
  { config },
  async (daemon) => {
    const onNode = await bundle("many_calls.ts", daemon);
    const onDeno = ["run", "-A", "--no-check", source("many_calls.ts")];
    const outputs = await Promise.all(
      Array.from(
        { length: 10 },
        (_, number) =>
          number % 2 === 0
            ? run(Deno.execPath(), [...onDeno, `p${number}`], daemon)
            : run("node", [onNode, `p${number}`], daemon),
      ),
    );
    const results = outputs.map((output) => JSON.parse(output));
    assert.deepEqual(results.map(({ own }) => own), Array(10).fill(100));
    assert.equal(new Set(results.map(({ pid }) => pid)).size, 1, "one process serves them all");
  },
);
