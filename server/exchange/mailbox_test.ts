import assert from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import fc from "fast-check";
import { NotedReader } from "../../tests/fixtures/exchange.ts";
import { Mailbox, type MailboxEvent } from "./mailbox.ts";

function answer(id: number, length = 0): string {
  return `{"jsonrpc":"2.0","id":${id},"result":"${"x".repeat(length)}"}`;
}

function mailbox(options: Partial<ConstructorParameters<typeof Mailbox>[0]> = {}): Mailbox {
  return new Mailbox({ maxEvents: 5, maxBytes: 2000, keep: true, ...options });
}

const texts = (events: MailboxEvent[]) => events.map(({ text }) => text);

Deno.test("what is posted while nobody reads waits, in its order, with its numbers", () => {
  const box = mailbox();
  for (const text of ["a", "b", "c"]) box.post(text);
  const reader = new NotedReader();
  box.attach(reader);
  assert.equal(reader.woken, 1);
  assert.deepEqual(box.take(reader).map(({ seq, text }) => [seq, text]), [[1, "a"], [2, "b"], [
    3,
    "c",
  ]]);
  assert.deepEqual(box.take(reader), []);
  box.post("d");
  assert.equal(reader.woken, 2);
  assert.deepEqual(texts(box.take(reader)), ["d"]);
});

Deno.test("without keeping, what comes while nobody reads is dropped, and so is what was not taken", () => {
  const box = mailbox({ keep: false });
  box.post("a");
  const first = new NotedReader();
  box.attach(first);
  box.post("b");
  assert.deepEqual(texts(box.take(first)), ["b"]);
  box.post("c");
  box.detach(first);
  const second = new NotedReader();
  box.attach(second);
  assert.deepEqual([box.take(second), box.bytes], [[], 0]);
});

Deno.test("what was taken last may not have arrived: the next reader gets it again", () => {
  const box = mailbox();
  const first = new NotedReader();
  box.attach(first);
  box.post("a");
  box.take(first);
  box.post("b");
  box.take(first);
  box.detach(first);
  const second = new NotedReader();
  box.attach(second);
  assert.deepEqual(texts(box.take(second)), ["b"]);
  // Asking again says that it went out.
  box.take(second);
  box.detach(second);
  const third = new NotedReader();
  box.attach(third);
  assert.deepEqual([third.woken, box.take(third)], [0, []]);
});

Deno.test("a new reader takes over: the one before is told and gets nothing more", () => {
  const box = mailbox();
  const [first, second] = [new NotedReader(), new NotedReader()];
  box.attach(first);
  box.post("a");
  box.take(first);
  box.attach(second);
  assert.ok(first.gone && !second.gone);
  assert.deepEqual(box.take(first), []);
  // Its late goodbye does not end the other's reading.
  box.detach(first);
  assert.ok(box.attached);
  assert.deepEqual(texts(box.take(second)), ["a"]);
});

Deno.test("a client that names the last event it saw gets exactly what came after it", () => {
  const box = mailbox();
  const first = new NotedReader();
  box.attach(first);
  for (const text of ["a", "b", "c"]) box.post(text);
  box.take(first);
  box.take(first);
  box.detach(first);
  for (const [lastSeen, expected] of [[1, ["b", "c"]], [3, []], [0, ["a", "b", "c"]]] as const) {
    const reader = new NotedReader();
    box.attach(reader, lastSeen);
    assert.deepEqual(texts(box.take(reader)), expected);
    box.detach(reader);
  }
});

Deno.test("a number from another life of the session hides nothing that waits", () => {
  const box = mailbox();
  box.post(answer(1), "1");
  const reader = new NotedReader();
  box.attach(reader, 57);
  assert.deepEqual(texts(box.take(reader)), [answer(1)]);
});

Deno.test("beyond the bounds, messages that went out go first, then notifications, then answers shrink", () => {
  const box = mailbox({ maxEvents: 100, maxBytes: 2000 });
  const first = new NotedReader();
  box.attach(first);
  box.post("s".repeat(500));
  box.take(first);
  box.take(first);
  box.detach(first);
  box.post("n".repeat(500));
  box.post(answer(1, 900), "1");
  assert.equal(box.bytes < 2000, true);
  box.post(answer(2, 900), "2");
  box.post(answer(3, 900), "3");
  const reader = new NotedReader();
  box.attach(reader, 0);
  const events = texts(box.take(reader)).map((text) => JSON.parse(text));
  assert.deepEqual(events.map(({ id }) => id), [1, 2, 3]);
  assert.equal(events[0].error.data.reason, "overloaded");
  assert.equal(events[0].error.data.retryable, false);
  assert.deepEqual([events[1].error?.code, events[2].result.length], [-32013, 900]);
});

Deno.test("a reader that is there is given an answer of any length", () => {
  const box = mailbox();
  const reader = new NotedReader();
  box.attach(reader);
  const long = answer(1, 100_000);
  box.post(long, "1");
  assert.deepEqual(texts(box.take(reader)), [long]);
  // It does not cost those behind it their place, and is let go of once it is out.
  box.post(answer(2, 500), "2");
  box.post("n");
  assert.deepEqual(texts(box.take(reader)), [answer(2, 500), "n"]);
  assert.ok(box.bytes < 2000);
});

Deno.test("when the stream is lost under a long answer, the next one hears that it was", () => {
  const box = mailbox();
  const reader = new NotedReader();
  box.attach(reader);
  box.post(answer(1, 100_000), "1");
  box.take(reader);
  box.detach(reader);
  assert.ok(box.bytes < 2000);
  const next = new NotedReader();
  box.attach(next);
  const [event] = texts(box.take(next)).map((text) => JSON.parse(text));
  assert.deepEqual([event.id, event.error.data.reason], [1, "overloaded"]);
});

Deno.test("an answer on its way is not dropped for those behind it", () => {
  const box = mailbox({ maxEvents: 2 });
  const reader = new NotedReader();
  box.attach(reader);
  box.post(answer(1), "1");
  box.take(reader);
  for (let id = 2; id < 6; id++) box.post(answer(id), String(id));
  box.detach(reader);
  const next = new NotedReader();
  box.attach(next);
  assert.deepEqual(texts(box.take(next)).map((text) => JSON.parse(text).id), [1, 2, 3, 4, 5]);
});

Deno.test("it is full when what waits fills the bounds, so that no more answers are asked for", () => {
  const byCount = mailbox();
  for (let id = 1; id <= 4; id++) byCount.post(answer(id), String(id));
  assert.deepEqual([byCount.full, byCount.waiting], [false, 4]);
  byCount.post(answer(5), "5");
  assert.equal(byCount.full, true);
  const reader = new NotedReader();
  byCount.attach(reader);
  byCount.take(reader);
  assert.deepEqual([byCount.full, byCount.waiting], [false, 0]);
  const byBytes = mailbox({ maxEvents: 100 });
  for (let id = 1; !byBytes.full; id++) byBytes.post(answer(id, 900), String(id));
  assert.ok(byBytes.waiting < 20 && byBytes.bytes < 3000);
});

Deno.test("it keeps an answer until that was taken; a notification is none", () => {
  const box = mailbox();
  box.post("{}");
  assert.equal(box.keepsAnswer, false);
  box.post(answer(1), "1");
  assert.equal(box.keepsAnswer, true);
  const reader = new NotedReader();
  box.attach(reader);
  box.take(reader);
  assert.equal(box.keepsAnswer, false);
});

Deno.test("finished, it takes nothing more, and is done when everything was taken", () => {
  const box = mailbox();
  const reader = new NotedReader();
  box.attach(reader);
  box.post("a");
  box.finish();
  box.post("b");
  assert.deepEqual([reader.woken, box.done], [2, false]);
  assert.deepEqual(texts(box.take(reader)), ["a"]);
  assert.equal(box.done, true);
  const late = new NotedReader();
  mailbox().finish();
  const empty = mailbox();
  empty.finish();
  empty.attach(late);
  assert.equal(late.woken, 1, "whoever comes late must learn that it is over");
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      length: fc.constantFrom(0, 100, 900, 5000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("notify" as const),
      length: fc.constantFrom(1, 300, 3000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("attach" as const),
      named: fc.constantFrom("nothing", "last", "bogus"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), arrived: fc.boolean() }) },
);

/** A client that reads the mailbox, loses its stream, and comes back. */
class Client {
  readonly received = new Set<number>();
  lastSeen: number | undefined;
  reader = new NotedReader();
  attached = false;
  /** Taken, and not known to have arrived. */
  batch: MailboxEvent[] = [];

  arrive(): void {
    for (const { seq, text } of this.batch) {
      this.lastSeen = seq;
      const { id } = JSON.parse(text);
      if (id !== undefined) this.received.add(id);
    }
    this.batch = [];
  }

  take(box: Mailbox): void {
    this.arrive();
    this.batch = box.take(this.reader);
    const seqs = this.batch.map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.toSorted((a, b) => a - b), "out of order");
    if (this.lastSeen !== undefined && seqs.length > 0) assert.ok(seqs[0] > this.lastSeen);
  }
}

Deno.test("whatever comes and goes, no answer is lost without a trace, and the bounds hold", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const box = mailbox();
      const client = new Client();
      let lastId = 0;
      for (const step of steps) {
        if (step.do === "answer") box.post(answer(++lastId, step.length), String(lastId));
        else if (step.do === "notify") box.post(`{"n":"${"x".repeat(step.length)}"}`);
        else if (step.do === "take" && client.attached) client.take(box);
        else if (step.do === "lose" && client.attached) {
          if (step.arrived) client.arrive();
          else client.batch = [];
          box.detach(client.reader);
          client.attached = false;
        } else if (step.do === "attach" && !client.attached) {
          client.reader = new NotedReader();
          const named = { nothing: undefined, last: client.lastSeen, bogus: 1_000_000 };
          if (step.named !== "last") client.lastSeen = undefined;
          box.attach(client.reader, named[step.named as keyof typeof named]);
          client.attached = true;
        }
        const inTransit = client.batch.reduce((sum, { text }) => sum + text.length, 0);
        const errors = box.waiting * 350;
        const one = client.attached && box.waiting === 1 ? 5100 : 0;
        assert.ok(box.bytes <= 2000 + inTransit + errors + one, `${box.bytes} characters held`);
      }
      if (client.attached) {
        client.batch = [];
        box.detach(client.reader);
      }
      client.reader = new NotedReader();
      client.lastSeen = undefined;
      box.attach(client.reader);
      client.take(box);
      client.arrive();
      const missing = Array.from({ length: lastId }, (_, i) => i + 1)
        .filter((id) => !client.received.has(id));
      assert.deepEqual(missing, []);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what was taken shortly before a reader's end is said again, what was taken before is not", () => {
  const clock = new FakeClock();
  const box = mailbox({ doubt: { clock, ms: 100 } });
  const reader = { wake() {}, superseded() {} };
  box.attach(reader);
  for (const text of ["old", "new"]) {
    box.post(text, "1");
    box.take(reader);
    box.take(reader); // Asked again, as a connection does that is not known to be dead yet.
    if (text === "old") clock.advance(101);
  }
  box.detach(reader);
  box.attach(reader);
  assert.deepEqual(box.take(reader).map(({ seq, text }) => [seq, text]), [[2, "new"]]);
});

Deno.test("a mailbox that is told to keep does so from then on", () => {
  const box = mailbox({ keep: false });
  box.post("before");
  box.keepFromNow();
  box.post("after");
  const reader = new NotedReader();
  box.attach(reader);
  assert.deepEqual(texts(box.take(reader)), ["after"]);
});

Deno.test("who is there is given more than is kept for who is away", () => {
  const bounds = { maxBytes: 2000, maxBytesAway: 300 };
  const there = mailbox(bounds);
  const reader = new NotedReader();
  there.attach(reader);
  const [first, second] = [answer(1, 500), answer(2, 500)];
  there.post(first, "1");
  there.post(second, "2");
  assert.deepEqual(texts(there.take(reader)), [first, second]);

  const away = mailbox(bounds);
  away.post(first, "1");
  away.attach(reader);
  const [left] = texts(away.take(reader));
  assert.equal(JSON.parse(left).error.data.reason, "overloaded");

  // What was given and not asked about again is kept in these bounds, too.
  there.detach(reader);
  assert.ok(there.bytes <= 2 * 400, String(there.bytes));
});
