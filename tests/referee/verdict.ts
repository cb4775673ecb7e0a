/**
 * The referee's word on a whole test: everything that was recorded, judged.
 *
 * Whoever passes on what is wrong passes on something wrong: a violation of this program's is forgiven
 * when the very same one came to it from another side. What it alone can get wrong (who is answered, how
 * often, by which id) is never forgiven.
 *
 * @module
 */

import { conversationsOf } from "./conversations.ts";
import type { Verdict, Violation } from "./referee.ts";
import { readTranscript } from "./transcript.ts";

/** How strict the referee is in a test. Default: both sides of every wire are judged. */
export type Leniency =
  /** Peers do wrong on purpose; what this program says must be right even then. */
  | { judges: "only ours"; because: string }
  | { judges: "nothing"; because: string };

/** What was found in a recording. */
export interface RecordedVerdict extends Verdict {
  /** Whether a daemon was recorded at all. */
  heardDaemon: boolean;
  /** Names of the conversations that were judged. */
  wires: string[];
}

const NEVER_PASSED_ON = /answers nothing|answered before|used before|not JSON|no batches/;

/** Judges what was recorded in a folder. */
export async function verdictOn(folder: string, leniency?: Leniency): Promise<RecordedVerdict> {
  const wires = await readTranscript(folder);
  const heardDaemon = wires.some(({ begins }) => begins.kind === "daemon");
  const verdict: RecordedVerdict = { violations: [], judged: {}, heardDaemon, wires: [] };
  if (leniency?.judges === "nothing") return verdict;
  const conversations = conversationsOf(wires);
  if (conversations.length === 0) return verdict;
  // Not at the top: a test in which nothing is said does not pay for the schemas.
  const { judge } = await import("./referee.ts");
  const violations: Violation[] = [];
  for (const conversation of conversations) {
    const { violations: found, judged } = judge(conversation);
    violations.push(...found);
    verdict.wires.push(conversation.name);
    for (const [revision, count] of Object.entries(judged)) {
      verdict.judged[revision] = (verdict.judged[revision] ?? 0) + count;
    }
  }
  const theirs = new Set(violations.filter(({ ours }) => !ours).map(({ why }) => why));
  verdict.violations = violations.filter(({ ours, why }) => {
    // Tests number their requests as they like; the schemas do not forbid it.
    if (!ours) return leniency === undefined && !/used before/.test(why);
    return !theirs.has(why) || NEVER_PASSED_ON.test(why);
  });
  return verdict;
}
