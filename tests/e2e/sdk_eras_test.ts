/** The SDK in both eras with servers of both eras, over a real daemon and over processes of its own. */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { within } from "./support/within.ts";

const DEADLINE_MS = 90_000;

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
    env: {
      ...daemon.env,
      SUITE_LEGACY: JSON.stringify(matrixServer("legacy")),
      SUITE_MODERN: JSON.stringify(matrixServer("modern")),
    },
    clearEnv: true,
    stdin: "null",
  }).output();
  const { code, stdout, stderr } = await within(running, `end of ${command}`, DEADLINE_MS);
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, `${text}\n${new TextDecoder().decode(stderr)}`);
  return text;
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
