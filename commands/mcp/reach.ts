/**
 * How a server is reached, in a few words that hold no secret. Arguments, addresses and variables may
 * be secrets, so only what is known to be none is shown: the name of the program, the package that a
 * runner fetches or the script that an interpreter runs, and the host of a URL.
 *
 * @module
 */

import { basename } from "@std/path";
import type { ServerEntry } from "../../server/config/types.ts";

const PACKAGE_RUNNERS: ReadonlySet<string> = new Set(["npx", "bunx", "pnpx", "uvx"]);
const INTERPRETERS: ReadonlySet<string> = new Set(["node", "deno", "bun", "python", "python3"]);

/** Options of the runners that may stand before the package, and whether they have a value. */
const BEFORE_PACKAGE: ReadonlyMap<string, boolean> = new Map([
  ...["-y", "--yes", "-q", "--quiet", "--bun", "--"].map((option) => [option, false] as const),
  ...["-p", "--package", "--from", "--python", "--with"].map((option) => [option, true] as const),
]);

const PACKAGE = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*(?:@[\w.^~-]+)?$/i;
const SCRIPT = /^[^-].*\.(?:[cm]?[jt]s|py)$/;

/** The words. An ellipsis stands for what is not shown. */
export function reachOf(entry: ServerEntry): string {
  switch (entry.kind) {
    case "builtin":
      return `built in (${entry.builtin})`;
    case "remote": {
      const { protocol, host } = new URL(entry.url);
      return `${protocol}//${host}/…`;
    }
    case "stdio": {
      const { command, args } = entry;
      // A command with spaces may be a whole command line, and hold a token.
      const program = /\s/.test(command) ? "…" : basename(command);
      const [index, shown] = shownArgument(programName(program), args) ?? [];
      const isAll = program === "…" || args.length === 0 || index === args.length - 1;
      return [program, shown, isAll ? undefined : "…"].filter((word) => word !== undefined).join(
        " ",
      );
    }
    case "broken":
      return "cannot run";
  }
}

function programName(program: string): string {
  return program.replace(/\.(?:exe|cmd|bat|ps1)$/i, "");
}

/** The argument that may be shown: where it stands, and how it is shown. */
function shownArgument(program: string, args: readonly string[]): [number, string] | undefined {
  if (INTERPRETERS.has(program)) {
    const index = args.findIndex((arg) => SCRIPT.test(arg));
    return index < 0 ? undefined : [index, basename(args[index]!)];
  }
  if (!PACKAGE_RUNNERS.has(program)) return undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const hasValue = BEFORE_PACKAGE.get(arg);
    // What follows an option that is not known may be its value, and that may be anything.
    if (hasValue === undefined) return PACKAGE.test(arg) ? [i, arg] : undefined;
    if (hasValue) i++;
  }
  return undefined;
}
