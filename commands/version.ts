/**
 * `aichaku --version --json`: which program this is, to the commit, for reports of problems.
 *
 * @module
 */

import { VERSION } from "../protocol/version.ts";

/** What a program was made from. */
export interface VersionFacts {
  version: string;
  /** 40 hexadecimal digits, with `-dirty` when the source was changed since; null when not known. */
  commit: string | null;
  /** Of Deno that runs it, or that is in the binary. */
  deno: string;
  /** System and processor, in Deno's words: `x86_64-unknown-linux-gnu`. */
  target: string;
  /** Whether this is the binary, and not its source. */
  compiled: boolean;
}

/** The facts of the program that runs. Never throws: a version that cannot be told helps nobody. */
export function versionFacts(): VersionFacts {
  const compiled = Deno.build.standalone;
  return {
    version: VERSION,
    commit: compiled ? commitOfBinary() : commitOfSource(),
    deno: Deno.version.deno,
    target: Deno.build.target,
    compiled,
  };
}

/** A file beside the entry, put there when the binary was made. */
function commitOfBinary(): string | null {
  try {
    const { commit } = JSON.parse(Deno.readTextFileSync(new URL("build.json", import.meta.url)));
    return typeof commit === "string" ? commit : null;
  } catch {
    return null; // Compiled by other means than ours.
  }
}

function commitOfSource(): string | null {
  try {
    const { success, stdout } = new Deno.Command("git", {
      args: ["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
      cwd: import.meta.dirname,
      stdin: "null",
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null; // No git, or a source that is no folder here.
  }
}
