import assert from "node:assert/strict";
import fc from "fast-check";
import type { LineEnds } from "./ndjson.ts";
import { sseText } from "./sse.ts";
import { type SseEvent, SseParser, type SseParserOptions } from "./sse_parser.ts";

interface Told {
  events: SseEvent[];
  oversize: LineEnds[];
  ids: string[];
  retries: number[];
}

const utf8 = new TextEncoder();

/** What a parser tells of these chunks. */
function parse(chunks: readonly (string | Uint8Array)[], maxLength = 1_000_000): Told {
  const told: Told = { events: [], oversize: [], ids: [], retries: [] };
  const options: SseParserOptions = {
    maxLength,
    onEvent: (event) => told.events.push(event),
    onOversize: (ends) => told.oversize.push(ends),
    onId: (id) => told.ids.push(id),
    onRetry: (ms) => told.retries.push(ms),
  };
  const parser = new SseParser(options);
  for (const chunk of chunks) {
    parser.push(typeof chunk === "string" ? utf8.encode(chunk) : chunk);
  }
  return told;
}

function data(chunks: readonly (string | Uint8Array)[], maxLength?: number): string[] {
  return parse(chunks, maxLength).events.map((event) => event.data);
}

Deno.test("fields, comments, names and line ends mean what the specification says", () => {
  const { events } = parse([
    "\ufeff: comment\n\ndata: one\n\n" +
    "data:two\rdata: 2\r\revent: add\r\ndata: three\r\n\r\n" +
    "data\n\ndata:  four\nunknown: x\nData: no\n\nevent: only\n\ndata: cut off",
  ]);
  assert.deepEqual(events.map(({ type, data }) => [type, data]), [
    ["message", "one"],
    ["message", "two\n2"],
    ["add", "three"],
    ["message", ""],
    ["message", " four"],
  ]);
});

Deno.test("only the first byte order mark of a stream is dropped", () => {
  assert.deepEqual(data(["\ufeffdata: a\n\n", "\ufeffdata: b\n\n", "data: \ufeffc\n\n"]), [
    "a",
    "\ufeffc",
  ]);
});

Deno.test("an id holds for the events after it, can be emptied, and counts without data", () => {
  const { events, ids } = parse([
    "id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nid: x\0y\ndata: d\n\nid\ndata: e\n\nid: 3\n",
  ]);
  assert.deepEqual(events.map((event) => event.lastEventId), ["1", "1", "2", "2", ""]);
  assert.deepEqual(ids, ["1", "2", ""]);
});

Deno.test("a retry time is told when it is digits only", () => {
  assert.deepEqual(parse(["retry: 10\nretry: 1x\nretry: -1\nretry:\nretry: 20\n"]).retries, [
    10,
    20,
  ]);
});

Deno.test("an event is told with the first half of the line end of its blank line", () => {
  assert.deepEqual(data(["data: a\r\r"]), ["a"]);
  assert.deepEqual(data(["data: a\r\n\r"]), ["a"]);
  assert.deepEqual(data(["data: a\r", "\n\r", "\ndata: b\r", "\n\r\n"]), ["a", "b"]);
});

Deno.test("however the stream is cut, the events are the same", () => {
  const line = fc.constantFrom(
    "data: a",
    "data:é😀",
    "data",
    "event: x",
    "id: 7",
    "id",
    ": c",
    "",
    "",
    "retry: 5",
    "data: " + "z".repeat(40),
  );
  const end = fc.constantFrom("\n", "\r", "\r\n");
  const stream = fc.array(fc.tuple(line, end), { maxLength: 30 });
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (lines, cuts) => {
      const bytes = utf8.encode(lines.flat().join(""));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = cuts.next().value!;
        chunks.push(bytes.subarray(at, at + length));
        at += length;
      }
      // A cap that some of these events exceed.
      assert.deepEqual(parse(chunks, 30), parse([bytes], 30));
      // A CR that was followed by an LF makes one line end in either case.
      assert.deepEqual(parse(chunks), parse([bytes]));
    }),
  );
});

Deno.test("what our own writer writes comes back, whatever the data holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const expected = text.replaceAll(/\r\n|\r/g, "\n");
    assert.deepEqual(data([sseText({ id: "1", data: text })]), [expected.toWellFormed()]);
  }));
});

Deno.test("an event beyond the cap is dropped alone, and its ends are told", () => {
  const big = `{"jsonrpc":"2.0","id":7,"result":"${"x".repeat(5000)}"}`;
  const whole = `id: 9\ndata: ${big}\n\ndata: small\n\n`;
  for (const size of [1, 7, 64, 100_000]) {
    const chunks = whole.match(new RegExp(`.{1,${size}}`, "gs"))!;
    const { events, oversize, ids } = parse(chunks, 1000);
    assert.deepEqual(events, [{ type: "message", data: "small", lastEventId: "9" }]);
    assert.deepEqual(oversize, [{ head: big.slice(0, 200), tail: big.slice(-200) }]);
    assert.deepEqual(ids, ["9"]);
  }
});

Deno.test("many short lines of data are bounded as well", () => {
  const { events, oversize } = parse([`${"data: 1234567\n".repeat(200)}\n\ndata: next\n\n`], 1000);
  assert.deepEqual(events.map((event) => event.data), ["next"]);
  assert.equal(oversize.length, 1);
  assert.match(oversize[0].head, /^1234567\n1234567/);
  assert.match(oversize[0].tail, /1234567$/);
});

Deno.test("data of exactly the cap is told; a longer comment or field without meaning harms nobody", () => {
  const long = "y".repeat(5000);
  for (const size of [3, 100_000]) {
    const stream = `data: ${"x".repeat(1000)}\n\n: ${long}\n${long}: 1\ndata: next\n\n`;
    const { events, oversize } = parse(stream.match(new RegExp(`.{1,${size}}`, "gs"))!, 1000);
    assert.deepEqual(events.map((event) => event.data), ["x".repeat(1000), "next"]);
    assert.deepEqual(oversize, []);
  }
});

Deno.test("time is linear in the size of the stream: a long line in small chunks, many lines in one", () => {
  // Quadratic reading would take minutes for either.
  const chunk = utf8.encode("x".repeat(64));
  let length = 0;
  const parser = new SseParser({
    maxLength: 64_000_000,
    onEvent: (event) => length = event.data.length,
    onOversize: () => assert.fail("within the cap"),
  });
  parser.push(utf8.encode("data: "));
  for (let i = 0; i < 200_000; i++) parser.push(chunk);
  parser.push(utf8.encode("\n\n"));
  assert.equal(length, 12_800_000);
  assert.equal(data(["data: a\n\n".repeat(500_000)]).length, 500_000);
  assert.equal(data(["data: a\r\r".repeat(500_000)]).length, 500_000);
});
