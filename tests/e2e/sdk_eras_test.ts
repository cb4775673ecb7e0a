/** The SDK in both eras with servers of both eras, over a real daemon and over processes of its own. */

import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { bundle, runProgram, source } from "./support/sdk_program.ts";

const config = {
  mcpServers: {
    // Its questions carry no name of the call they are for: a process a client.
    legacy: { ...matrixServer("legacy"), sharing: "session" },
    modern: matrixServer("modern"),
  },
};

function matrixServer(era: string) {
  const file = fromFileUrl(new URL(`../fixtures/servers/matrix_${era}.ts`, import.meta.url));
  const deno = fromFileUrl(new URL("../../deno.json", import.meta.url));
  return {
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", "--no-lock", "--config", deno, file],
  };
}

function run(command: string, args: string[], daemon: DaemonFixture): Promise<string> {
  return runProgram(command, args, {
    ...daemon.env,
    SUITE_LEGACY: JSON.stringify(matrixServer("legacy")),
    SUITE_MODERN: JSON.stringify(matrixServer("modern")),
  });
}

daemonTest("sdk, both eras: the suite on Deno", { config }, async (daemon) => {
  const args = ["test", "-A", "--no-check", source("era_suite.ts")];
  assert.match(await run(Deno.execPath(), args, daemon), /10 passed/);
});

daemonTest("sdk, both eras: the same suite on Node", { config }, async (daemon) => {
  const suite = await bundle("era_suite.ts", daemon);
  const report = await run("node", ["--test", "--test-reporter=tap", suite], daemon);
  assert.match(report, /# pass 10\n# fail 0/);
});

daemonTest(
  "sdk, modern: a program that listens and closes nothing ends",
  { config },
  async (daemon) => {
    const onNode = await bundle("never_closed.ts", daemon);
    const onDeno = ["run", "-A", "--no-check", source("never_closed.ts")];
    for (const mode of ["daemon", "spawn"]) {
      const options = { mode, era: "modern", server: "modern", spawn: matrixServer("modern") };
      const argument = JSON.stringify(options);
      assert.equal(await run(Deno.execPath(), [...onDeno, argument], daemon), "called\n");
      assert.equal(await run("node", [onNode, argument], daemon), "called\n");
    }
  },
);
