import assert from "node:assert/strict";
import fc from "fast-check";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { LineWriter } from "./line_writer.ts";

/** A stream whose writes the test lets through one by one. */
class Sink {
  readonly writes: string[] = [];
  closed = false;
  readonly errors: unknown[] = [];
  rooms = 0;
  readonly writer: LineWriter;
  /** Whether writes wait for {@linkcode release}. */
  stalled = false;
  #blocked: PromiseWithResolvers<void>[] = [];

  constructor(maxOwed = 1000) {
    const stream = new WritableStream<Uint8Array>({
      write: (chunk) => {
        this.writes.push(new TextDecoder().decode(chunk));
        if (!this.stalled) return;
        const blocked = Promise.withResolvers<void>();
        this.#blocked.push(blocked);
        return blocked.promise;
      },
      close: () => {
        this.closed = true;
      },
    });
    this.writer = new LineWriter(stream, {
      maxOwed,
      onRoom: () => this.rooms++,
      onError: (error) => this.errors.push(error),
      atEndOfTurn: queueMicrotask,
    });
  }

  async release(error?: Error): Promise<void> {
    const blocked = this.#blocked.shift();
    assert.ok(blocked, "no write is under way");
    if (error === undefined) blocked.resolve();
    else blocked.reject(error);
    await settle();
  }
}

Deno.test("the lines of one turn go out in one write, in their order", async () => {
  const sink = new Sink();
  for (const line of ["a", "b", "c"]) assert.equal(sink.writer.write(line), true);
  assert.deepEqual([sink.writes, sink.writer.owed], [[], 6]);
  await settle();
  assert.deepEqual([sink.writes, sink.writer.owed], [["a\nb\nc\n"], 0]);
  sink.writer.write("é😀");
  await settle();
  assert.deepEqual(sink.writes.slice(1), ["é😀\n"]);
});

Deno.test("what comes during a write goes out together in the next one", async () => {
  const sink = new Sink();
  sink.stalled = true;
  sink.writer.write("1");
  await settle();
  for (const line of ["2", "3", "4"]) sink.writer.write(line);
  await settle();
  assert.deepEqual(sink.writes, ["1\n"]);
  await sink.release();
  assert.deepEqual(sink.writes, ["1\n", "2\n3\n4\n"]);
});

Deno.test("a stalled reader owes at most the cap; when it reads on, lines are taken again", async () => {
  const sink = new Sink(100);
  sink.stalled = true;
  sink.writer.write("x".repeat(49));
  await settle();
  assert.equal(sink.writer.write("y".repeat(49)), true);
  assert.equal(sink.writer.owed, 100);
  assert.equal(sink.writer.write("z"), false);
  assert.equal(sink.rooms, 0);
  await sink.release();
  await sink.release();
  assert.deepEqual([sink.writer.owed, sink.rooms], [0, 1]);
  assert.equal(sink.writer.write("z"), true);
  await settle();
  await sink.release();
  assert.deepEqual(sink.writes.map((text) => text[0]), ["x", "y", "z"]);
});

Deno.test("an idle reader is given any line, however long; one behind it has to wait", async () => {
  const sink = new Sink(100);
  const long = "x".repeat(200_000);
  assert.equal(sink.writer.write(long), true);
  assert.equal(sink.writer.write("y"), false);
  await settle();
  assert.deepEqual(sink.writes, [long + "\n"]);
  assert.equal(sink.writer.write("y"), true);
});

Deno.test("a great heap of lines goes out in pieces of bounded size", async () => {
  const sink = new Sink(10_000_000);
  const lines = Array.from({ length: 3000 }, (_, i) => `${i} ${"x".repeat(100)}`);
  for (const line of lines) sink.writer.write(line);
  await settle();
  for (let i = 0; i < 20 && sink.writer.owed > 0; i++) await settle();
  assert.equal(sink.writes.join(""), lines.join("\n") + "\n");
  assert.ok(sink.writes.length > 3);
  for (const text of sink.writes) assert.ok(text.length <= 64 * 1024);
});

Deno.test("a broken stream is told once, and takes nothing more", async () => {
  const sink = new Sink();
  sink.stalled = true;
  sink.writer.write("1");
  await settle();
  sink.writer.write("2");
  const broken = new Error("EPIPE");
  await sink.release(broken);
  assert.deepEqual([sink.errors, sink.writer.closed, sink.writer.owed], [[broken], true, 0]);
  assert.equal(sink.writer.write("3"), false);
  await settle();
  await sink.writer.close();
  assert.deepEqual([sink.writes, sink.errors.length], [["1\n"], 1]);
});

Deno.test("closing drops what waits, and is done when the write under way is", async () => {
  const sink = new Sink();
  sink.stalled = true;
  sink.writer.write("1");
  await settle();
  sink.writer.write("2");
  let closed = false;
  const close = sink.writer.close().then(() => closed = true);
  assert.equal(sink.writer.write("3"), false);
  await settle();
  assert.equal(closed, false);
  await sink.release();
  await close;
  assert.deepEqual([sink.writes, sink.closed, sink.errors], [["1\n"], true, []]);
  assert.equal(sink.rooms, 0);
  await sink.writer.close();
});

Deno.test("a write that breaks while closing is no news", async () => {
  const sink = new Sink();
  sink.stalled = true;
  sink.writer.write("1");
  await settle();
  const close = sink.writer.close();
  await sink.release(new Error("EPIPE"));
  await close;
  assert.deepEqual(sink.errors, []);
});

Deno.test("whatever is written in whatever turns comes out once and in order", async () => {
  const turns = fc.array(
    fc.array(fc.string({ unit: "grapheme" }).map((s) => s.replaceAll("\n", "")), { maxLength: 5 }),
    { maxLength: 10 },
  );
  await fc.assert(fc.asyncProperty(turns, async (turns) => {
    const sink = new Sink(1_000_000);
    for (const lines of turns) {
      for (const line of lines) sink.writer.write(line);
      await Promise.resolve();
    }
    await settle();
    assert.equal(sink.writes.join(""), turns.flat().map((line) => line + "\n").join(""));
    assert.equal(sink.writer.owed, 0);
  }));
});
