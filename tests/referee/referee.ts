/**
 * The referee: reads what was said on one wire and tells what the specification does not allow. Each
 * message is judged by the official schema of the revision in force, each answer by what it answers.
 *
 * What is judged: every request, notification, result and error; that nothing is answered twice or
 * unasked; that nothing of one era turns up in the other; that a modern server asks nothing; batches only
 * in the revision that has them. What is not: the order of messages, and that a request is answered at
 * all.
 *
 * One thing is not held against anybody although the schemas do: the id `null` of an error about a
 * message whose id could not be read. JSON-RPC 2.0 (section 5) demands it.
 *
 * @module
 */

import { isLegacyRevision, isModernRevision } from "../../protocol/revisions.ts";
import { type Conversation, type Side, Unreadable } from "./conversation.ts";
import { schemaOf } from "./schemas.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

/** Something that was said and must not be. */
export interface Violation {
  wire: string;
  from: Side;
  /** Whether this program said it. */
  ours: boolean;
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
const LATEST_LEGACY = "2025-11-25";
const LATEST_MODERN = "2026-07-28";
/** Members of results that only the modern era has. */
const MODERN_MEMBERS = ["resultType", "ttlMs", "cacheScope", "inputRequests", "requestState"];

interface Asked {
  /** Undefined when it could not be read: it can only be answered by an error. */
  method: string | undefined;
  revision: string;
  times: number;
  answers: number;
}

/** Judges a conversation. */
export function judge(conversation: Conversation): Verdict {
  const { name, ours, light = false, incomplete = false } = conversation;
  const verdict: Verdict = { violations: [], judged: {} };
  const said = { client: conversation.fromClient.flat(), server: conversation.fromServer.flat() };
  const fallback = agreedRevision(said.client, said.server) ?? known(conversation.revision) ??
    // Whoever never says what it speaks is taken for a legacy client that left out its handshake.
    (said.client.some(namesModern) ? LATEST_MODERN : LATEST_LEGACY);
  const asked: Record<Side, Map<string, Asked>> = { client: new Map(), server: new Map() };

  const blame = (from: Side, message: Json, why: string) =>
    void verdict.violations.push({ wire: name, from, ours: from === ours, why, message });
  const count = (revision: string) =>
    verdict.judged[revision] = (verdict.judged[revision] ?? 0) + 1;

  for (const from of ["client", "server"] as const) {
    const all = from === "client" ? conversation.fromClient : conversation.fromServer;
    if (all.some(Array.isArray) && fallback !== "2025-03-26") {
      blame(from, all.find(Array.isArray), "there are no batches in this revision");
    }
    for (const message of said[from]) {
      if (message instanceof Unreadable) {
        blame(from, message.text, "it is not JSON");
      } else if (typeof message !== "object" || message === null) {
        blame(from, message, "it is no message");
      } else if (message.method !== undefined) {
        judgeCall(from, message);
      } else if (message.result === undefined && message.error === undefined) {
        blame(from, message, "it is no request, no notification and no answer");
        if (message.id !== undefined) noteAsked(from, message, fallback);
      }
    }
  }
  for (const from of ["client", "server"] as const) {
    for (const message of said[from]) {
      if (message?.method !== undefined || message instanceof Unreadable) continue;
      if (message?.result !== undefined || message?.error !== undefined) judgeAnswer(from, message);
    }
  }
  return verdict;

  function judgeCall(from: Side, message: Json): void {
    const revision = revisionOf(message, fallback);
    count(revision);
    for (const why of schemaOf(revision).call(message)) blame(from, message, why);
    if (message.id === undefined) return;
    if (from === "server" && isModernRevision(revision)) {
      blame(from, message, "a server of this revision asks nothing by itself");
    }
    const wasUsed = asked[from].has(JSON.stringify(message.id));
    if (wasUsed && !light) blame(from, message, "its id was used before");
    noteAsked(from, message, revision);
  }

  function noteAsked(from: Side, { id, method }: Json, revision: string): void {
    const key = JSON.stringify(id);
    const before = asked[from].get(key);
    const times = (before?.times ?? 0) + 1;
    asked[from].set(key, { method, revision, times, answers: 0 });
  }

  function judgeAnswer(from: Side, message: Json): void {
    const isError = message.error !== undefined;
    if (isError && (message.id === null || message.id === undefined)) {
      count(fallback);
      const readable = { ...message, id: 0 };
      for (const why of schemaOf(fallback).answer(readable, "")) blame(from, message, why);
      return;
    }
    const request = asked[from === "client" ? "server" : "client"].get(JSON.stringify(message.id));
    if (request === undefined) {
      if (!incomplete) blame(from, message, "it answers nothing that was asked");
      return;
    }
    const { method, revision } = request;
    count(revision);
    if (++request.answers > request.times) blame(from, message, "it was answered before");
    // Of several requests with one id nobody knows which is answered.
    if (request.times > 1 && !isError) return;
    // Its id is the request's, which was judged.
    const readable = { ...message, id: 0 };
    for (const why of schemaOf(revision).answer(readable, method ?? "")) blame(from, message, why);
    if (!isLegacyRevision(revision)) return;
    for (const member of MODERN_MEMBERS) {
      const { result } = message;
      if (typeof result === "object" && result !== null && member in result) {
        blame(from, message, `${member} belongs to another era`);
      }
    }
  }
}

/** A report that a person can read; empty when nothing was wrong. */
export function report(violations: readonly Violation[]): string {
  return violations.map(({ wire, from, ours, why, message }) =>
    `${wire}: from the ${from}${ours ? " (this program)" : ""}: ${why}\n    ${
      JSON.stringify(message).slice(0, 400)
    }`
  ).join("\n");
}

/** What `initialize` agreed on; undefined when there was none. */
function agreedRevision(client: readonly Json[], server: readonly Json[]): string | undefined {
  const request = client.find((message) => message?.method === "initialize");
  if (request === undefined) return undefined;
  const answer = server.find((message) =>
    message?.method === undefined && message?.id === request.id
  );
  // A revision that does not exist is answered as the latest.
  return known(answer?.result?.protocolVersion) ?? known(request.params?.protocolVersion) ??
    LATEST_LEGACY;
}

function known(revision: unknown): string | undefined {
  if (typeof revision !== "string") return undefined;
  return isLegacyRevision(revision) || isModernRevision(revision) ? revision : undefined;
}

function namesModern(message: Json): boolean {
  return known(message?.params?._meta?.[VERSION]) === LATEST_MODERN;
}

/** The revision that a request or notification is of. */
function revisionOf(message: Json, fallback: string): string {
  const isOfSubscription = message.params?._meta?.[SUBSCRIPTION] !== undefined;
  return namesModern(message) || isOfSubscription ? LATEST_MODERN : fallback;
}
