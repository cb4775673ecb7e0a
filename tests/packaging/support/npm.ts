/**
 * npm without a network: packing a folder, and installing what was packed into an empty project.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { within } from "../../e2e/support/within.ts";

/** Milliseconds for a run of npm on a busy machine, with a program of 100 MB. */
const NPM_MS = 120_000;

/** Runs a program to its end. @returns what it printed. */
export async function output(
  command: string,
  { args, cwd, env }: { args: string[]; cwd: string; env?: Record<string, string> },
): Promise<string> {
  const running = new Deno.Command(command, { args, cwd, env, stdin: "null" }).output();
  const { code, stdout, stderr } = await within(running, `end of ${command}`, NPM_MS);
  const decoder = new TextDecoder();
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Packs a package. @returns the archive. */
export async function packed(folder: string, into: string): Promise<string> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", into];
  const printed = JSON.parse(await output("npm", { args, cwd: folder }));
  // An array by npm 10, an object by name since npm 11.
  const [{ filename }] = Object.values(printed) as { filename: string }[];
  return join(into, filename.replace("@", "").replace("/", "-"));
}

/** Installs archives into an empty project, which is an ES module. */
export async function installed(archives: string[], project: string): Promise<void> {
  await Deno.mkdir(project);
  await Deno.writeTextFile(join(project, "package.json"), `{"private":true,"type":"module"}`);
  const args = ["install", "--offline", "--no-audit", "--no-fund", ...archives];
  await output("npm", { args, cwd: project });
}
