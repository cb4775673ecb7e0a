import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { LineReader } from "./line_reader.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (reader: LineReader, text: string) => [...reader.push(bytes(text))];

Deno.test("lines are what stands between line ends, of either kind; empty ones are none", () => {
  const reader = new LineReader(100);
  deepEqual(read(reader, "a\nb\r\n\n\r\nc"), ["a", "b"]);
  equal(reader.pending, true);
  deepEqual(read(reader, "d\n"), ["cd"]);
  equal(reader.pending, false);
  deepEqual(read(reader, "last"), []);
  equal(reader.end(), "last");
});

Deno.test("a byte order mark at the start of a line is not of it", () => {
  deepEqual(read(new LineReader(100), "\ufeff{}\n"), ["{}"]);
});

Deno.test("bytes are not kept: their buffer may be used again", () => {
  const reader = new LineReader(100);
  const buffer = bytes("abc");
  deepEqual([...reader.push(buffer)], []);
  buffer.fill(120);
  deepEqual(read(reader, "\n"), ["abc"]);
});

Deno.test("a line that is too long is refused before its end; one that just fits is not", () => {
  const reader = new LineReader(10);
  deepEqual(read(reader, "0123456789\r\n"), ["0123456789"]);
  throws(() => read(reader, "0123456789xx"), /longer than 10 bytes/);
  const grows = new LineReader(10);
  deepEqual(read(grows, "01234567"), []);
  throws(() => read(grows, "89xx"), /longer than 10 bytes/);
  // Counted in bytes.
  throws(() => read(new LineReader(10), "üüüüüü\n"), /longer than 10 bytes/);
});

Deno.test("lines before one that is not UTF-8 are given, that one is an error", () => {
  const lines = new LineReader(100).push(Uint8Array.of(97, 10, 0xff, 10, 98, 10));
  equal(lines.next().value, "a");
  throws(() => lines.next(), /not UTF-8/);
});

Deno.test("the character that stands for what is no UTF-8 may be said, and does not hide what is none", () => {
  deepEqual(read(new LineReader(100), "a\ufffd\n\ufffd\n"), ["a\ufffd", "\ufffd"]);
  const lines = new LineReader(100).push(Uint8Array.of(...bytes("\ufffd\n"), 0xc3, 10));
  equal(lines.next().value, "\ufffd");
  throws(() => lines.next(), /not UTF-8/);
});

Deno.test("lines that came together may be as long as the limit that the first of them has raised", () => {
  const reader = new LineReader(5);
  const lines = reader.push(bytes("hello\n0123456789\n"));
  equal(lines.next().value, "hello");
  reader.maxBytes = 10;
  equal(lines.next().value, "0123456789");
  const refused = new LineReader(5).push(bytes("hello\n0123456789\n"));
  equal(refused.next().value, "hello");
  throws(() => refused.next(), /longer than 5 bytes/);
});

Deno.test("however the bytes are cut, the lines are the same", () => {
  const text = fc.string({ unit: "grapheme" }).map((line) => line.replaceAll(/[\r\n\ufeff]/g, "x"));
  fc.assert(
    fc.property(
      fc.array(text),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (lines, cuts) => {
        const all = bytes(lines.map((line) => `${line}\n`).join(""));
        const reader = new LineReader(10_000);
        const found: string[] = [];
        for (let at = 0; at < all.length;) {
          const size = cuts.next().value as number;
          found.push(...reader.push(all.subarray(at, at + size)));
          at += size;
        }
        deepEqual(found, lines.filter((line) => line !== ""));
      },
    ),
  );
});
