/** The SDK on Deno and on Node against the same daemon: one suite, and ten processes at once. */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { asking } from "./support/servers.ts";
import { bundle, runProgram, source } from "./support/sdk_program.ts";

const config = { mcpServers: { asking: asking() } };

function run(command: string, args: string[], daemon: DaemonFixture): Promise<string> {
  return runProgram(command, args, {
    ...daemon.env,
    SUITE_SPAWN: JSON.stringify(config.mcpServers.asking),
  });
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
