/**
 * `aichaku review`: reviews files through the MCP server `reviewer`, over the daemon when one runs, else
 * by running it. The output is the same to the byte either way, and never says that a file is clean that
 * was not reviewed. `docs/review.md` is the reference.
 *
 * @module
 */

import { AichakuClient } from "../client/mod.ts";
import { joinBytes } from "../protocol/bytes.ts";
import { VERSION } from "../protocol/version.ts";
import { SEVERITIES, type Severity } from "../server/builtin/reviewer/result.ts";
import { MAX_FILE_BYTES } from "../server/builtin/reviewer/source.ts";
import { type ArgumentSpec, parseArguments, usage } from "./arguments.ts";
import { type CommandContext, EXIT, rewritesLines } from "./context.ts";
import { nearest } from "./nearest.ts";
import type { Change } from "./review/changes.ts";
import { FORMATS } from "./review/format.ts";
import { GitError } from "./review/git.ts";
import { ProgressLine } from "./review/progress.ts";
import { exitCodeOf, REVIEW_EXIT } from "./review/report.ts";
import { type MakeClient, ReviewerLink } from "./review/reviewer_link.ts";
import { ruleFilter, splitPatterns, unmatched } from "./review/rule_filter.ts";
import { reviewFiles } from "./review/run.ts";
import { spawnBuiltin } from "./review/spawn_self.ts";
import { targetsOf } from "./review/targets.ts";

const HELP = `Usage: aichaku review FILES… | FOLDERS… | PATTERNS… | - [options]
       aichaku review --staged | --diff REF [PATHS…] [options]

Looks for security problems in TypeScript, JavaScript and Python files, and for secrets
in any text file. A folder is reviewed with all below it that git does not ignore.

Options:
  --staged           Review what would be committed; only findings on changed lines count
  --diff REF         Review what changed since the working tree left REF, likewise
  --format FORMAT    pretty (default), json, sarif or github
  --fail-on LEVEL    Exit with 1 for findings of this severity or worse: critical,
                     high (default), medium, low or info
  --rules LIST       Only these rules: js-eval,secret-*  or all but these: '!js-weak-hash'
  --exclude PATTERN  Leave out what matches, as in .gitignore; may be given several times
  --stdin-name NAME  What standard input (-) is called; its language is taken from it
  --json             The same as --format json
  -h, --help         Print this help

Exit codes: 0 clean, 1 findings, 2 wrong usage, 4 could not review everything.
`;

const SPEC: ArgumentSpec = {
  command: "aichaku review",
  flags: ["json", "staged"],
  values: ["format", "fail-on", "diff", "stdin-name"],
  lists: ["rules", "exclude"],
};

/** Milliseconds for everything, without the files. */
const DEADLINE_MS = 120_000;
/** Milliseconds more for each file. */
const DEADLINE_PER_FILE_MS = 2_000;

/** Runs `aichaku review`. Returns the exit code. @throws {UsageError} */
export async function runReview(args: string[], context: CommandContext): Promise<number> {
  const { flags, values, lists, words } = parseArguments(args, SPEC);
  if (flags.has("help")) {
    context.stdout(HELP);
    return EXIT.ok;
  }
  const formatName = values.get("format") ?? (flags.has("json") ? "json" : "pretty");
  const format = FORMATS[oneOf("format", formatName, Object.keys(FORMATS))];
  const failOn = oneOf("fail-on", values.get("fail-on") ?? "high", SEVERITIES);
  const change = changeOf(flags.has("staged"), values.get("diff"));
  if (words.length === 0 && change === undefined) {
    throw usage(SPEC, "name the files to review");
  }
  if (change !== undefined && words.includes("-")) {
    throw usage(SPEC, "standard input is no part of a change; leave out -");
  }
  const rules = splitPatterns(lists.get("rules")!);

  const deadline = AbortSignal.timeout(DEADLINE_MS);
  let targets;
  try {
    targets = await targetsOf(words, {
      cwd: context.cwd,
      env: context.env.variables(),
      exclude: lists.get("exclude")!,
      change,
      stdin: readStdin,
      stdinName: values.get("stdin-name") ?? "-",
      signal: deadline,
    });
  } catch (error) {
    if (!(error instanceof GitError || deadline.aborted)) throw error;
    const why = error instanceof GitError ? error.message : "it took too long";
    context.stderr(`Cannot find out what to review: ${why}.\n`);
    return REVIEW_EXIT.incomplete;
  }

  await using link = new ReviewerLink(clientMaker(context));
  if (rules.length > 0) await checkRules(rules, link, deadline);
  using progress = new ProgressLine(rewritesLines(context) ? context.stderr : () => {});
  const report = await reviewFiles(targets, {
    link,
    failOn: failOn as Severity,
    counts: ruleFilter(rules),
    deadlineMs: DEADLINE_MS + DEADLINE_PER_FILE_MS * targets.length,
    onDone: progress.onDone,
  });
  progress[Symbol.dispose]();
  context.stdout(format(report, { noColor: context.noColor }));
  return exitCodeOf(report);
}

function changeOf(isStaged: boolean, ref: string | undefined): Change | undefined {
  if (isStaged && ref !== undefined) throw usage(SPEC, "--staged and --diff exclude each other");
  if (isStaged) return { kind: "staged" };
  return ref === undefined ? undefined : { kind: "since", ref };
}

/**
 * With a mistyped rule everything would look clean.
 *
 * @throws {UsageError} naming what matches no rule.
 */
async function checkRules(
  patterns: readonly string[],
  link: ReviewerLink,
  signal: AbortSignal,
): Promise<void> {
  let known: string[];
  try {
    const { structuredContent } = await link.call("list_rules", {}, signal);
    const rules = structuredContent?.rules as { id: string }[];
    known = rules.map(({ id }) => id);
  } catch {
    return; // No reviewer, or one that cannot list its rules: the review says so, file by file.
  }
  const [wrong] = unmatched(patterns, known);
  if (wrong === undefined) return;
  throw usage(SPEC, `no rule matches --rules "${wrong}"`, nearest(wrong, known));
}

/** Standard input, up to what is too large to be reviewed. */
async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of Deno.stdin.readable) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_FILE_BYTES) break;
  }
  return joinBytes(chunks);
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
      spawn: () => spawnBuiltin("reviewer", self, cwd),
    });
}
