/** Programs that use the SDK, as processes of their own beside a daemon of a test's. */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import type { DaemonFixture } from "../../fixtures/daemon.ts";
import { within } from "./within.ts";

const DEADLINE_MS = 90_000;

/** Path of a program in `tests/node/`. */
export function source(name: string): string {
  return fromFileUrl(new URL(`../../node/${name}`, import.meta.url));
}

/** The same program for Node, which does not read TypeScript. */
export async function bundle(name: string, daemon: DaemonFixture): Promise<string> {
  const output = join(daemon.home, "..", name.replace(/\.ts$/, ".mjs"));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "node", "--output", output, source(name)],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return output;
}

/** Runs one to its end, which must be a good one. @returns what it printed. */
export async function runProgram(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<string> {
  const running = new Deno.Command(command, { args, env, clearEnv: true, stdin: "null" }).output();
  const { code, stdout, stderr } = await within(running, `end of ${command}`, DEADLINE_MS);
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, `${text}\n${new TextDecoder().decode(stderr)}`);
  return text;
}
