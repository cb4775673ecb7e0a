import assert from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { LONG, LongAnswers } from "./long_answers.ts";

type Body = ReadableStream<Uint8Array>;

function answersOf(maxLength: number) {
  const clock = new FakeClock();
  const cut: number[] = [];
  const answers = new LongAnswers({ clock, maxLength, onCutOff: (length) => cut.push(length) });
  const body = (length: number) => answers.bodyOf("x".repeat(length)) as Body;
  return { clock, cut, answers, body };
}

/** Reads one piece, and leaves the rest to be read. */
async function readPiece(body: Body): Promise<void> {
  const reader = body.getReader();
  await reader.read();
  reader.releaseLock();
}

Deno.test("an answer of normal size stays what it is", () => {
  const { answers } = answersOf(LONG);
  const text = "x".repeat(LONG - 1);
  assert.equal(answers.bodyOf(text), text);
  assert.equal(answers.length, 0);
});

Deno.test("a long one comes whole, whatever its pieces end with", async () => {
  for (const shift of ["", "a"]) {
    const { answers } = answersOf(LONG);
    const text = shift + "🦉".repeat(LONG / 2) + "é";
    const response = new Response(answers.bodyOf(text));
    assert.equal(answers.length, text.length);
    assert.ok(await response.text() === text);
    assert.equal(answers.length, 0);
  }
});

Deno.test("whoever leaves is not waited for", async () => {
  const { answers, body } = answersOf(LONG);
  const left = body(LONG);
  await readPiece(left);
  await left.cancel();
  assert.equal(answers.length, 0);
});

Deno.test("beyond the bound, what is not read any more is cut off, and what is read is not", async () => {
  const { clock, cut, answers, body } = answersOf(2 * LONG);
  const [stalled, slow] = [body(LONG), body(LONG + 1)];
  clock.advance(9_999);
  await readPiece(slow);
  const third = body(LONG);
  assert.deepEqual(cut, [], "it may still be read");
  clock.advance(1);
  const fourth = body(LONG);
  assert.deepEqual(cut, [LONG]);
  await assert.rejects(stalled.getReader().read(), /did not read/);
  await readPiece(slow);
  await Promise.all([slow, third, fourth].map((each) => each.cancel()));
  assert.equal(answers.length, 0);
});

Deno.test("beyond twice the bound, what nobody has begun to read is cut off at once, oldest first", async () => {
  const { clock, cut, answers, body } = answersOf(1.5 * LONG);
  const first = body(LONG);
  await readPiece(first);
  clock.advance(1);
  const burst = [1, 2, 3].map((more) => body(LONG + more));
  assert.deepEqual(cut, [LONG + 1, LONG + 2], "what is read is read on");
  assert.equal(answers.length, 2 * LONG + 3);
  for (const each of burst.slice(0, 2)) {
    await assert.rejects(each.getReader().read(), /did not read/);
  }
  await readPiece(first);
  await Promise.all([first, burst[2]].map((each) => each.cancel()));
  assert.equal(answers.length, 0);
});

Deno.test("beyond twice the bound, of those that are read the one that was not for longest goes", async () => {
  const { cut, answers, body } = answersOf(1.5 * LONG);
  const [first, second] = [body(LONG), body(LONG + 1)];
  await readPiece(first);
  await readPiece(second);
  await readPiece(first);
  const third = body(LONG + 2);
  assert.deepEqual(cut, [LONG + 1]);
  await assert.rejects(second.getReader().read(), /did not read/);
  await Promise.all([first, third].map((each) => each.cancel()));
  assert.equal(answers.length, 0);
});
