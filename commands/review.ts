/**
 * `aichaku review FILES…`: reviews files through the MCP server `reviewer`, over the daemon when one
 * runs, else by running it. The output is the same to the byte either way, and never says that a file is
 * clean that was not reviewed. `docs/review.md` is the reference.
 *
 * @module
 */

import { AichakuClient } from "../client/mod.ts";
import { VERSION } from "../protocol/version.ts";
import { SEVERITIES, type Severity } from "../server/builtin/reviewer/result.ts";
import { type ArgumentSpec, parseArguments, usage } from "./arguments.ts";
import { type CommandContext, EXIT } from "./context.ts";
import { nearest } from "./nearest.ts";
import { FORMATS } from "./review/format.ts";
import { exitCodeOf } from "./review/report.ts";
import { type MakeClient, ReviewerLink } from "./review/reviewer_link.ts";
import { reviewFiles } from "./review/run.ts";
import { spawnReviewer } from "./review/spawn_self.ts";

const HELP = `Usage: aichaku review FILES… [options]

Looks for security problems in TypeScript, JavaScript and Python files, and for secrets
in any text file.

Options:
  --format FORMAT   pretty (default), json, sarif or github
  --fail-on LEVEL   Exit with 1 for findings of this severity or worse: critical,
                    high (default), medium, low or info
  --json            The same as --format json
  -h, --help        Print this help

Exit codes: 0 clean, 1 findings, 2 wrong usage, 4 could not review everything.
`;

const SPEC: ArgumentSpec = {
  command: "aichaku review",
  flags: ["json"],
  values: ["format", "fail-on"],
};

/** Runs `aichaku review`. Returns the exit code. @throws {UsageError} */
export async function runReview(args: string[], context: CommandContext): Promise<number> {
  const { flags, values, words } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const formatName = values.get("format") ?? (flags.has("json") ? "json" : "pretty");
  const format = FORMATS[oneOf("format", formatName, Object.keys(FORMATS))];
  const failOn = oneOf("fail-on", values.get("fail-on") ?? "high", SEVERITIES);
  if (words.length === 0) throw usage(SPEC, "name the files to review");

  await using link = new ReviewerLink(clientMaker(context));
  const report = await reviewFiles(words, {
    link,
    cwd: context.cwd,
    failOn: failOn as Severity,
    deadlineMs: 120_000 + 2_000 * words.length,
  });
  context.stdout(format(report, { noColor: context.noColor }));
  return exitCodeOf(report);
}

function oneOf(option: string, value: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw usage(
    SPEC,
    `--${option} "${value}" is none of ${allowed.join(", ")}`,
    nearest(value, allowed),
  );
}

function clientMaker({ env, self, cwd }: CommandContext): MakeClient {
  return (mode) =>
    new AichakuClient({
      server: "reviewer",
      mode,
      home: env.home,
      token: env.token,
      clientInfo: { name: "aichaku-review", version: VERSION },
      spawn: () => spawnReviewer(self, cwd),
    });
}
