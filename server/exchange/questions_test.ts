import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { type ClientQuestion, Questions } from "./questions.ts";

class Bench {
  readonly clock = new FakeClock();
  readonly questions = new Questions(this.clock);
  readonly sent: Json[] = [];
  /** Whether the client can be reached. */
  open = true;

  ask(options: Partial<ClientQuestion> = {}) {
    return this.questions.ask({
      method: "roots/list",
      params: undefined,
      timeoutMs: 1000,
      send: (text) => {
        if (this.open) this.sent.push(JSON.parse(text));
        return this.open;
      },
      ...options,
    });
  }

  answer(id: string, result: Json): boolean {
    return this.questions.answer({ kind: "response", id: JSON.stringify(id), result });
  }
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(() => "answered", (fault: Fault) => fault.reason);

Deno.test("an answer goes to its own question, whatever the order", async () => {
  const bench = new Bench();
  const first = bench.ask();
  const second = bench.ask({ method: "elicitation/create", params: { message: "?" } });
  const [one, two] = bench.sent;
  assert.deepEqual(two.params, { message: "?" });
  assert.equal(bench.answer(two.id, "second"), true);
  assert.equal(bench.answer(one.id, "first"), true);
  assert.deepEqual(await first.answer, { result: "first" });
  assert.deepEqual(await second.answer, { result: "second" });
  assert.equal(bench.questions.size, 0);
});

Deno.test("a client's error is an answer, too", async () => {
  const bench = new Bench();
  const { answer } = bench.ask();
  const error = { code: -1, message: "no" };
  bench.questions.answer({ kind: "response", id: JSON.stringify(bench.sent[0].id), error });
  assert.deepEqual(await answer, { error });
});

Deno.test("an answer that comes twice or too late is dropped; one never asked for is not known", () => {
  const bench = new Bench();
  bench.ask();
  const [{ id }] = bench.sent;
  assert.equal(bench.answer(id, 1), true);
  assert.equal(bench.answer(id, 2), true);
  assert.equal(bench.questions.answer({ kind: "response", id: "1", result: {} }), false);
});

Deno.test("without an answer in time the client is told, and the asker too", async () => {
  const bench = new Bench();
  const { answer } = bench.ask();
  bench.clock.advance(1000);
  assert.equal(await reasonOf(answer), "upstream_timeout");
  const [question, cancelled] = bench.sent;
  assert.equal(cancelled.method, "notifications/cancelled");
  assert.equal(cancelled.params.requestId, question.id);
  assert.equal(bench.answer(question.id, "late"), true);
});

Deno.test("a question nobody wants answered any more is cancelled once", async () => {
  const bench = new Bench();
  const question = bench.ask();
  question.cancel("the call was answered");
  question.cancel("again");
  assert.equal(await reasonOf(question.answer), "cancelled");
  assert.equal(bench.sent.length, 2);
});

Deno.test("a client that cannot be reached is not asked", async () => {
  const bench = new Bench();
  bench.open = false;
  assert.equal(await reasonOf(bench.ask().answer), "unattributable");
  assert.equal(bench.questions.size, 0);
});

Deno.test("a client that leaves answers nothing more", async () => {
  const bench = new Bench();
  const { answer } = bench.ask();
  bench.questions.clear(new Fault("cancelled", "gone"));
  assert.equal(await reasonOf(answer), "cancelled");
});

Deno.test("progress reaches whoever asked for it, without our token", () => {
  const bench = new Bench();
  const progressed: Json[] = [];
  bench.ask({
    params: { message: "?", _meta: { other: 1 } },
    onProgress: (params) => void progressed.push(params),
  });
  const [{ id, params }] = bench.sent;
  assert.deepEqual(params, { message: "?", _meta: { other: 1, progressToken: id } });
  bench.questions.progress({ progressToken: id, progress: 1 });
  bench.questions.progress({ progressToken: "other", progress: 2 });
  assert.deepEqual(progressed, [{ progress: 1 }]);
});
