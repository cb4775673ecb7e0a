/**
 * Checks of the suite that pass directly and may fail through the daemon, each with its reason. A check
 * that is listed here without need fails the run, so the list can only be as long as it must. The same
 * reasons stand in docs/bridge.md, "What cannot be bridged".
 *
 * @module
 */

import type { Exception } from "./compare.ts";
import type { Pairing } from "./pairings.ts";

/** An exception, and where it holds. */
export interface PairedException extends Exception {
  pairings: readonly Pairing["name"][];
}

const STREAM_CONTROL =
  "Streams that the server ends. The fixture ends the stream of its own call over Streamable HTTP, so " +
  "that its client comes back for the answer; a server on stdio has no stream to end, and no way to " +
  "say that it would.";

const KEYS =
  "Keys of questions. The suite wants to be asked under the key `user_name`, and answers under it " +
  "without having been asked; a legacy server asks without keys, so the daemon makes them up, and " +
  "answers to what was never asked belong to nothing.";

const ROOTS =
  "Roots at a shared server. A legacy server is told once whether there are roots, and asks for them " +
  "when it likes; where many clients share it, the roots of one would widen or narrow what it does " +
  "for all of them.";

/** All of them. */
export const EXCEPTIONS: readonly PairedException[] = [
  {
    pairings: ["legacy child", "modern child"],
    scenario: "server-sse-polling",
    checks: ["server-sse-disconnect-resume"],
    reason: STREAM_CONTROL,
  },
  {
    pairings: ["legacy child", "legacy child, named client"],
    scenario: "input-required-result-basic-elicitation",
    checks: ["sep-2322-elicitation-incomplete", "sep-2322-elicitation-complete"],
    reason: KEYS,
  },
  {
    pairings: ["legacy child", "legacy child, named client"],
    scenario: "input-required-result-ignore-extra-params",
    checks: ["sep-2322-ignore-unexpected-params"],
    reason: KEYS,
  },
  {
    pairings: ["legacy child"],
    scenario: "input-required-result-basic-list-roots",
    checks: ["sep-2322-list-roots-incomplete", "sep-2322-list-roots-complete"],
    reason: ROOTS,
  },
  {
    pairings: ["legacy child"],
    scenario: "input-required-result-multiple-input-requests",
    checks: ["sep-2322-multiple-inputs-incomplete", "sep-2322-multiple-inputs-complete"],
    reason: ROOTS,
  },
];
