/**
 * Checks of the suite that pass directly and may fail through the daemon, each with its reason. A check
 * that is listed here without need fails the run, so the list can only be as long as it must.
 *
 * @module
 */

import type { Exception } from "./compare.ts";

const SERVER_REQUESTS =
  "The server asks the client something in the middle of a call. This version " +
  "passes no requests of servers on: it declares no client capabilities to the servers it shares, " +
  "so a server that would ask is told beforehand that nobody can answer.";

const STREAM_CONTROL =
  "The fixture ends the stream of its own call over Streamable HTTP; a server " +
  "on stdio has no stream to end, so the daemon's answer comes in one piece, and what the suite " +
  "wants to see of a stream does not occur.";

const ONE_JSON =
  "The daemon answers with one JSON text unless a notification precedes the answer, which " +
  "the specification leaves to the server; the suite then only notes that there was no stream.";

/** All of them. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    scenario: "tools-call-sampling",
    checks: ["tools-call-sampling"],
    reason: SERVER_REQUESTS,
  },
  {
    scenario: "tools-call-elicitation",
    checks: ["tools-call-elicitation"],
    reason: SERVER_REQUESTS,
  },
  {
    scenario: "elicitation-sep1034-defaults",
    checks: [
      "elicitation-sep1034-general",
      "elicitation-sep1034-string-default",
      "elicitation-sep1034-integer-default",
      "elicitation-sep1034-number-default",
      "elicitation-sep1034-enum-default",
      "elicitation-sep1034-boolean-default",
    ],
    reason: SERVER_REQUESTS,
  },
  {
    scenario: "elicitation-sep1330-enums",
    checks: [
      "elicitation-sep1330-general",
      "elicitation-sep1330-untitled-single",
      "elicitation-sep1330-titled-single",
      "elicitation-sep1330-legacy-enumnames",
      "elicitation-sep1330-untitled-multi",
      "elicitation-sep1330-titled-multi",
    ],
    reason: SERVER_REQUESTS,
  },
  {
    scenario: "server-sse-polling",
    checks: [
      "server-sse-priming-event",
      "server-sse-retry-field",
      "server-sse-disconnect-resume",
    ],
    reason: STREAM_CONTROL,
  },
  {
    scenario: "server-sse-multiple-streams",
    checks: ["server-sse-streams-functional"],
    reason: ONE_JSON,
  },
];
