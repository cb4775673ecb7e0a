import assert from "node:assert/strict";
import { NotedReader } from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { Mailbox } from "../exchange/mailbox.ts";
import { type EventStreamOptions, eventStreamResponse } from "./event_stream.ts";

/** A stream and its reader. */
class Bench {
  readonly clock = new FakeClock();
  readonly mailbox: Mailbox;
  closed = 0;

  constructor(keep = true) {
    this.mailbox = new Mailbox({ maxEvents: 10, maxBytes: 1_000_000, keep });
  }

  open(options: Partial<EventStreamOptions> = {}): { response: Response; stream: Stream } {
    const response = eventStreamResponse({
      mailbox: this.mailbox,
      clock: this.clock,
      onClose: () => void this.closed++,
      ...options,
    });
    return { response, stream: new Stream(response) };
  }
}

class Stream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(response: Response) {
    this.#reader = response.body!.getReader();
  }

  /** The next piece; undefined at the end. */
  async read(): Promise<string | undefined> {
    const { value } = await this.#reader.read();
    return value === undefined ? undefined : this.#decoder.decode(value, { stream: true });
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("greeting first, then what waited, in one piece, numbered; then what comes", async () => {
  const bench = new Bench();
  bench.mailbox.post('{"n":1}');
  bench.mailbox.post('{"n":2}');
  const { response, stream } = bench.open({
    greeting: ": hello\n\n",
    eventId: String,
    headers: { "x-a": "b" },
  });
  assert.deepEqual(
    ["content-type", "cache-control", "x-a"].map((name) => response.headers.get(name)),
    ["text/event-stream", "no-cache, no-transform", "b"],
  );
  assert.equal(await stream.read(), ': hello\n\nid: 1\ndata: {"n":1}\n\nid: 2\ndata: {"n":2}\n\n');
  const next = stream.read();
  await settle();
  bench.mailbox.post('{"n":3}');
  assert.equal(await next, 'id: 3\ndata: {"n":3}\n\n');
  await stream.cancel();
});

Deno.test("without numbers, events have none", async () => {
  const bench = new Bench();
  bench.mailbox.post("{}");
  const { stream } = bench.open();
  assert.equal(await stream.read(), "data: {}\n\n");
  await stream.cancel();
});

Deno.test("nothing leaves the mailbox before the connection has room for it", async () => {
  const bench = new Bench();
  const { stream } = bench.open();
  bench.mailbox.post("{}");
  await settle();
  assert.equal(bench.mailbox.waiting, 1);
  await stream.read();
  await settle();
  assert.equal(bench.mailbox.waiting, 0);
  bench.mailbox.post("{}");
  await settle();
  assert.equal(bench.mailbox.waiting, 1, "nobody asked for the next piece");
  await stream.cancel();
});

Deno.test("silence is broken by a comment every fifteen seconds", async () => {
  const bench = new Bench();
  const { stream } = bench.open();
  for (let i = 0; i < 3; i++) {
    let read: string | undefined;
    const reading = stream.read().then((text) => read = text);
    await settle();
    bench.clock.advance(14_999);
    await settle();
    assert.equal(read, undefined);
    bench.clock.advance(1);
    await reading;
    assert.equal(read, ": keep-alive\n\n");
  }
  const reading = stream.read();
  await settle();
  bench.clock.advance(14_000);
  bench.mailbox.post("{}");
  assert.equal(await reading, "data: {}\n\n");
  await stream.cancel();
  assert.equal(bench.clock.pending, 0, "a timer was left behind");
});

Deno.test("a client that leaves lets go of the mailbox; what it was given last waits for the next", async () => {
  const bench = new Bench();
  const first = bench.open({ eventId: String });
  bench.mailbox.post("{}");
  await first.stream.read();
  await first.stream.cancel();
  await settle();
  assert.deepEqual([bench.mailbox.attached, bench.closed, bench.clock.pending], [false, 1, 0]);
  const second = bench.open({ eventId: String });
  assert.equal(await second.stream.read(), "id: 1\ndata: {}\n\n");
  await second.stream.cancel();
  const third = bench.open({ eventId: String, lastSeen: 1 });
  bench.mailbox.post("[]");
  assert.equal(await third.stream.read(), "id: 2\ndata: []\n\n");
  await third.stream.cancel();
});

Deno.test("a long message goes in pieces, and counts as sent only when its last one was asked for", async () => {
  const bench = new Bench();
  const long = JSON.stringify("e\u0301x".repeat(100_000));
  const first = bench.open();
  bench.mailbox.post(long, "1");
  const piece = await first.stream.read();
  assert.ok(piece !== undefined && piece.length < long.length);
  await first.stream.cancel();
  const second = bench.open();
  let whole = "";
  while (!whole.endsWith("\n\n")) whole += await second.stream.read();
  assert.equal(whole, `data: ${long}\n\n`);
  await second.stream.cancel();
});

Deno.test("a stream that is taken over stops at once, also in the middle of a message", async () => {
  const bench = new Bench();
  const first = bench.open();
  bench.mailbox.post("x".repeat(200_000));
  await first.stream.read();
  const second = bench.open();
  assert.equal(await first.stream.read(), undefined);
  assert.equal((await second.stream.read())?.length, 64 * 1024);
  await second.stream.cancel();
});

Deno.test("leaving in the middle of a silence leaves no timer and no reading behind", async () => {
  const bench = new Bench();
  const { stream } = bench.open();
  const reading = stream.read();
  await settle();
  await stream.cancel();
  assert.equal(await reading, undefined);
  await settle();
  assert.deepEqual([bench.mailbox.attached, bench.closed, bench.clock.pending], [false, 1, 0]);
});

Deno.test("a second stream takes over: the first ends, and its close is told once", async () => {
  const bench = new Bench();
  const first = bench.open();
  const reading = first.stream.read();
  await settle();
  const second = bench.open();
  assert.equal(await reading, undefined);
  assert.equal(bench.closed, 1);
  bench.mailbox.post("{}");
  assert.equal(await second.stream.read(), "data: {}\n\n");
  await second.stream.cancel();
  assert.equal(bench.closed, 2);
});

Deno.test("when the mailbox is finished, the stream ends after what was left", async () => {
  const bench = new Bench();
  const { stream } = bench.open();
  bench.mailbox.post("{}");
  bench.mailbox.finish();
  assert.deepEqual([await stream.read(), await stream.read()], ["data: {}\n\n", undefined]);
  assert.deepEqual([bench.closed, bench.mailbox.attached], [1, false]);
  const late = bench.open();
  assert.equal(await late.stream.read(), undefined);
});

Deno.test("a stream that nobody has begun to read holds the mailbox, until another takes it", () => {
  const bench = new Bench();
  bench.open();
  assert.ok(bench.mailbox.attached);
  const reader = new NotedReader();
  bench.mailbox.attach(reader);
  bench.mailbox.post("{}");
  assert.equal(bench.mailbox.take(reader).length, 1);
});
