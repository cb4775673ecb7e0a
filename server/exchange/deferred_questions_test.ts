import assert from "node:assert/strict";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { Answer } from "../upstream/question.ts";
import { DeferredQuestions } from "./deferred_questions.ts";

const question = { method: "roots/list", params: undefined, timeoutMs: 1_000 };

/** A client that is asked. */
function client() {
  const answer = Promise.withResolvers<Answer>();
  answer.promise.catch(() => {});
  const cancelled: string[] = [];
  const cancel = (reason: string) => void cancelled.push(reason);
  return { ...answer, cancelled, ask: () => ({ answer: answer.promise, cancel }) };
}

Deno.test("a question waits until its client can be asked, is asked once, and has its answer", async () => {
  const clock = new FakeClock();
  const deferred = new DeferredQuestions(clock);
  const open = deferred.add(question);
  const { ask, resolve } = client();
  deferred.flush(ask);
  assert.deepEqual([deferred.size, clock.pending], [0, 0]);
  deferred.flush(() => assert.fail("asked twice"));
  resolve({ result: { roots: [] } });
  assert.deepEqual(await open.answer, { result: { roots: [] } });
});

Deno.test("nobody came, it was cancelled, or the client left: it ends, and is never asked", async () => {
  const ends: [end: (questions: DeferredQuestions, clock: FakeClock) => void, reason: string][] = [
    [(_questions, clock) => clock.advance(1_000), "unattributable"],
    [(questions) => questions.clear(new Fault("cancelled", "gone")), "cancelled"],
  ];
  for (const [end, reason] of ends) {
    const clock = new FakeClock();
    const deferred = new DeferredQuestions(clock);
    const open = deferred.add(question);
    end(deferred, clock);
    await assert.rejects(open.answer, { reason });
    deferred.flush(() => assert.fail("asked"));
    assert.equal(clock.pending, 0);
  }
  const clock = new FakeClock();
  const deferred = new DeferredQuestions(clock);
  const open = deferred.add(question);
  open.cancel("never mind");
  await assert.rejects(open.answer, { reason: "cancelled" });
  assert.deepEqual([deferred.size, clock.pending], [0, 0]);
});

Deno.test("once it was asked, cancelling it is told to the client", async () => {
  const deferred = new DeferredQuestions(new FakeClock());
  const open = deferred.add(question);
  const { ask, cancelled } = client();
  deferred.flush(ask);
  open.cancel("never mind");
  await settle();
  assert.deepEqual(cancelled, ["never mind"]);
});
