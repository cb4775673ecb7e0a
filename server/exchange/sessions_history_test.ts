/**
 * Random histories of the table of sessions: whatever begins and ends, and how often, the table holds
 * those that have not ended and nobody else.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Fault } from "../../protocol/errors.ts";
import { FakeEndpoint, LIMITS, NotedReply, request } from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { endSession, listSessions } from "../admin/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { Exchange } from "./exchange.ts";
import type { Session, SessionKind } from "./session.ts";
import { Sessions } from "./sessions.ts";

const KINDS: SessionKind[] = ["mcp", "light", "modern", "request"];
/** A client's own name, which it may begin a session under again and again. */
const OWN_ID = "01234567-89ab-4cde-8f01-23456789abcd";

type Step =
  | { do: "begin"; kind: number; named: boolean }
  | { do: "call" | "answer" | "end" | "end by hand" | "call and end with it"; at: number }
  | { do: "wait"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("begin"), kind: fc.nat(3), named: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("call", "answer", "end", "end by hand", "call and end with it"),
      at: fc.nat(),
    }),
  },
  fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(1, 6 * 60_000, 2 * 60 * 60_000) }),
);

/** Everything in one history. */
class History {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly endpoint = new FakeEndpoint();
  readonly exchange = new Exchange(LIMITS, this.log);
  readonly sessions = new Sessions({
    limits: LIMITS,
    clock: this.clock,
    log: this.log,
    store: new MemorySessionStore(),
    endpointOf: () => this.endpoint,
    wallClock: () => this.clock.now(),
  });
  readonly begun: Session[] = [];
  readonly replies: NotedReply[] = [];
  /** How often each has left its endpoint. */
  readonly left = new Map<Session, number>();

  constructor() {
    this.endpoint.leave = (session) => void this.left.set(session, this.#timesLeft(session) + 1);
  }

  take(step: Step): void {
    switch (step.do) {
      case "begin":
        return this.#begin(KINDS[step.kind], step.named);
      case "wait":
        return this.clock.advance(step.ms);
      case "answer": {
        const { calls } = this.endpoint;
        return calls[step.at % Math.max(1, calls.length)]?.succeed({});
      }
    }
    const session = this.begun[step.at % Math.max(1, this.begun.length)];
    if (session === undefined) return;
    if (step.do === "end") this.sessions.end(session, "again, perhaps");
    else if (step.do === "end by hand") this.#endByHand(session);
    else if (!session.ended) this.#call(session, step.do === "call and end with it");
  }

  /** As a client would, under a name of its own or not. What is refused leaves nothing behind. */
  #begin(kind: SessionKind, named: boolean): void {
    const { endpoint } = this;
    const id = named && kind !== "request" ? OWN_ID : undefined;
    try {
      this.begun.push(this.sessions.create({ kind, endpoint, id, protocolVersion: "2025-11-25" }));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      assert.ok(["overloaded", "invalid_request"].includes(error.reason));
    }
  }

  #endByHand({ id }: Session): void {
    const isThere = [...this.sessions].some((session) => session.id === id);
    if (isThere) endSession(this.sessions, id);
    else assert.throws(() => endSession(this.sessions, id), { reason: "session_not_found" });
  }

  #call(session: Session, endsWithIt: boolean): void {
    const reply = new NotedReply();
    this.replies.push(reply);
    this.exchange.request(session, request("tools/call", { id: String(this.replies.length) }), {
      notify: () => false,
      answer: (text, fault) => {
        reply.answer(text, fault);
        if (endsWithIt) this.sessions.end(session, "its one request was answered");
      },
    });
  }

  #timesLeft(session: Session): number {
    return this.left.get(session) ?? 0;
  }

  check(): void {
    const { sessions, begun } = this;
    const there = begun.filter(({ ended }) => !ended);
    assert.deepEqual(new Set(sessions), new Set(there));
    assert.deepEqual([sessions.size, listSessions(sessions).length], [there.length, there.length]);
    const nameless = there.filter(({ kind }) => kind === "request");
    assert.ok(there.length <= LIMITS.maxSessions && nameless.length <= 3);
    for (const session of begun) {
      const found = sessions.get(session.id);
      if (session.kind === "request") assert.equal(found, undefined);
      else if (session.ended) assert.notEqual(found, session);
      else assert.equal(found, session);
      assert.equal(this.#timesLeft(session), session.ended ? 1 : 0);
    }
    for (const { answers } of this.replies) assert.ok(answers.length <= 1);
  }
}

Deno.test("whatever begins and ends, the table holds those that have not ended, and each ends once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const history = new History();
      for (const step of steps) {
        history.take(step);
        history.check();
      }
      await history.sessions.close("stop");
      history.check();
      await settle();
      assert.deepEqual([history.sessions.size, history.clock.pending], [0, 0]);
      for (const { answers } of history.replies) assert.equal(answers.length, 1);
      assert.deepEqual(history.log.errors, []);
    }),
    { numRuns: 300 },
  );
});
