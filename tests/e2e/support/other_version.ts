/**
 * This program as if it were another version: a copy of its source with another version in it.
 *
 * @module
 */

import { join } from "@std/path";
import { selfCommand } from "../../../platform/self.ts";
import type { CliResult, DaemonFixture } from "../../fixtures/daemon.ts";

/** What the other version says of itself. */
export interface OtherVersionOptions {
  version: string;
  protocol: { min: number; max: number };
}

/** A program of another version. */
export interface OtherVersion extends AsyncDisposable {
  /** Runs `aichaku ARGS…` of that version in a home. */
  cli(home: DaemonFixture, ...args: string[]): Promise<CliResult>;
}

/** What the program is made of. */
const SOURCES = ["main.ts", "deno.json", "deno.lock"];
const FOLDERS = ["client", "commands", "deps", "platform", "protocol", "server"];

/** @param root Folder of the source, with a slash at the end. */
export async function otherVersion(
  root: string,
  { version, protocol }: OtherVersionOptions,
): Promise<OtherVersion> {
  const copy = await Deno.makeTempDir({ prefix: "aichaku-other-" });
  for (const name of SOURCES) await Deno.copyFile(join(root, name), join(copy, name));
  for (const name of FOLDERS) await copyFolder(join(root, name), join(copy, name));
  const file = join(copy, "protocol", "version.ts");
  const text = await Deno.readTextFile(file);
  const changed = text
    .replace(/VERSION = "[^"]*"/, `VERSION = "${version}"`)
    .replace(/DAEMON_PROTOCOL = \{[^}]*\}/, `DAEMON_PROTOCOL = ${JSON.stringify(protocol)}`);
  await Deno.writeTextFile(file, changed);
  const main = join(copy, "main.ts");
  const self = selfCommand({ url: `file://${main}`, filename: main, dirname: copy });
  return {
    async cli(home, ...args) {
      const { code, stdout, stderr } = await new Deno.Command(self.command, {
        args: [...self.args, ...args],
        env: { ...home.env },
        clearEnv: true,
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(copy, { recursive: true });
    },
  };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else if (!name.endsWith("_test.ts")) await Deno.copyFile(join(from, name), join(to, name));
  }
}
