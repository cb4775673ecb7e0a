/**
 * The referee: reads what was said on one wire and tells what the specification does not allow. Each
 * message is judged by the official schema of the revision in force, each answer by what it answers.
 *
 * What is judged: every request, notification, result and error; that nothing is answered twice or
 * unasked; that nothing of one era turns up in the other; that a modern server asks nothing. What is not:
 * the order of messages, and that a request is answered at all.
 *
 * @module
 */

import { isLegacyRevision, isModernRevision } from "../../protocol/revisions.ts";
import { schemaOf } from "./schemas.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

/** Everything that was said on one wire. */
export interface Conversation {
  /** For the report. */
  name: string;
  fromClient: readonly Json[];
  fromServer: readonly Json[];
}

/** Something that was said and must not be. */
export interface Violation {
  wire: string;
  from: "client" | "server";
  why: string;
  message: Json;
}

/** What a referee has seen. */
export interface Verdict {
  violations: Violation[];
  /** Messages that were judged, by revision. */
  judged: Record<string, number>;
}

const VERSION = "io.modelcontextprotocol/protocolVersion";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";
/** Members of results that only the modern era has. */
const MODERN_MEMBERS = ["resultType", "ttlMs", "cacheScope", "inputRequests", "requestState"];

type Side = "client" | "server";

interface Asked {
  method: string;
  revision: string;
  answers: number;
}

/** Judges a conversation. */
export function judge({ name, fromClient, fromServer }: Conversation): Verdict {
  const verdict: Verdict = { violations: [], judged: {} };
  const said = { client: fromClient.flat(), server: fromServer.flat() };
  const legacy = legacyRevision(said.client, said.server);
  const asked: Record<Side, Map<string, Asked>> = { client: new Map(), server: new Map() };

  const blame = (from: Side, message: Json, why: string) =>
    void verdict.violations.push({ wire: name, from, why, message });
  const count = (revision: string) =>
    verdict.judged[revision] = (verdict.judged[revision] ?? 0) + 1;

  for (const from of ["client", "server"] as const) {
    for (const message of said[from]) {
      if (message.method === undefined) continue;
      const revision = revisionOf(message, legacy);
      count(revision);
      for (const why of schemaOf(revision).call(message)) blame(from, message, why);
      if (message.id === undefined) continue;
      if (from === "server" && isModernRevision(revision)) {
        blame(from, message, "a server of this revision asks nothing by itself");
      }
      const key = JSON.stringify(message.id);
      if (asked[from].has(key)) blame(from, message, "its id was used before");
      asked[from].set(key, { method: message.method, revision, answers: 0 });
    }
  }
  for (const from of ["client", "server"] as const) {
    for (const message of said[from]) {
      if (message.method !== undefined) continue;
      const request = asked[from === "client" ? "server" : "client"].get(
        JSON.stringify(message.id),
      );
      if (request === undefined) {
        blame(from, message, "it answers nothing that was asked");
        continue;
      }
      const { method, revision } = request;
      count(revision);
      if (++request.answers > 1) blame(from, message, "it was answered before");
      for (const why of schemaOf(revision).answer(message, method)) blame(from, message, why);
      if (isLegacyRevision(revision)) {
        for (const member of MODERN_MEMBERS) {
          if (message.result !== undefined && member in message.result) {
            blame(from, message, `${member} belongs to another era`);
          }
        }
      }
    }
  }
  return verdict;
}

/** A report that a person can read; empty when nothing was wrong. */
export function report(violations: readonly Violation[]): string {
  return violations.map(({ wire, from, why, message }) =>
    `${wire}: from the ${from}: ${why}\n    ${JSON.stringify(message).slice(0, 400)}`
  ).join("\n");
}

/** What `initialize` agreed on; undefined when it did not. */
function legacyRevision(client: readonly Json[], server: readonly Json[]): string | undefined {
  const request = client.find(({ method }) => method === "initialize");
  if (request === undefined) return undefined;
  const answer = server.find(({ id, method }) => method === undefined && id === request.id);
  return answer?.result?.protocolVersion ?? request.params?.protocolVersion;
}

/** The revision that a request or notification is of. */
function revisionOf({ method, params }: Json, legacy: string | undefined): string {
  const named = params?._meta?.[VERSION];
  if (typeof named === "string" && isModernRevision(named)) return named;
  const isOfSubscription = params?._meta?.[SUBSCRIPTION] !== undefined;
  if (legacy === undefined || isOfSubscription) return "2026-07-28";
  if (method === "initialize" || isLegacyRevision(legacy)) return legacy;
  return "2026-07-28";
}
