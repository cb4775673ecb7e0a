/**
 * Clients that come and go around the moment in which an idle daemon ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { AichakuClient } from "../../../client/mod.ts";
import type { DaemonFixture } from "../../fixtures/daemon.ts";

/** Milliseconds after which the daemon of these tests is idle. */
export const IDLE_MS = 150;

/** The configuration of a daemon that ends almost at once. */
export const impatient = {
  server: { idleTimeout: IDLE_MS },
  mcpServers: { sample: { type: "builtin" } },
};

/**
 * Lets `count` clients arrive, each starting the daemon if need be, and calls once with each.
 *
 * @param gapMs Gives the milliseconds between two arrivals.
 * @returns how many daemons served them.
 */
export async function arrivals(
  home: DaemonFixture,
  { count, gapMs }: { count: number; gapMs: () => number },
): Promise<number> {
  const bin = await launcher(home);
  const arrive = async (index: number) => {
    await using client = new AichakuClient({
      server: "sample",
      mode: "daemon",
      autoStart: true,
      home: home.home,
      bin,
    });
    const { content } = await client.callTool("echo", { message: `client ${index}` });
    assert.deepEqual(content, [{ type: "text", text: `client ${index}` }]);
  };
  const running: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    running.push(arrive(index));
    await new Promise((resolve) => setTimeout(resolve, gapMs()));
  }
  await Promise.all(running);
  return await generations(home);
}

/** How many daemons there were; fails when two of them served at the same time. */
async function generations(home: DaemonFixture): Promise<number> {
  const lines = (await Deno.readTextFile(home.paths.logFile)).trim().split("\n");
  const turns = lines.map((line) => JSON.parse(line).message)
    .filter((message) => message === "serving" || message === "stopped");
  turns.forEach((message, index) => {
    assert.equal(message, index % 2 === 0 ? "serving" : "stopped", turns.join(", "));
  });
  return turns.filter((message) => message === "serving").length;
}

/** The program under test as one file that can be run. */
async function launcher(home: DaemonFixture): Promise<string> {
  const { command, args } = home.program;
  const quoted = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const path = join(home.home, "aichaku");
  await Deno.writeTextFile(path, `#!/bin/sh\nAICHAKU_PORT=0 exec ${quoted} "$@"\n`);
  await Deno.chmod(path, 0o700);
  return path;
}
