import assert from "node:assert/strict";
import fc from "fast-check";
import { type LineEnds, LineSplitter } from "./ndjson.ts";

interface Split {
  lines: string[];
  oversize: LineEnds[];
}

/** What a splitter makes of the chunks. */
function split(chunks: Uint8Array[], maxLength = 1000): Split & { splitter: LineSplitter } {
  const lines: string[] = [];
  const oversize: LineEnds[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), {
    maxLength,
    onOversize: (ends) => oversize.push(ends),
  });
  // One buffer for all chunks, as a reader does it: nothing may be kept of it.
  const buffer = new Uint8Array(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    buffer.set(chunk);
    splitter.push(buffer.subarray(0, chunk.length));
    buffer.fill(0);
  }
  return { lines, oversize, splitter };
}

/** The bytes of `text`, cut at the given places. */
function cut(text: string, places: number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length]
    .sort((a, b) => a - b);
  return sorted.slice(1).map((end, i) => bytes.slice(sorted[i], end));
}

/** The same by the plainest means. */
function expected(text: string, maxLength: number): Split {
  const result: Split = { lines: [], oversize: [] };
  for (const raw of text.split("\n").slice(0, -1)) {
    const line = raw.replace(/\r$/, "");
    if (line.length > maxLength) {
      result.oversize.push({ head: line.slice(0, 200), tail: line.slice(-200) });
    } else if (line !== "") result.lines.push(line);
  }
  return result;
}

Deno.test("lines come out whole wherever the chunks are cut, also inside a character", () => {
  const text = '{"a":"é😀"}\n{"b":1}\r\n\n\r\n{"c":"日本"}\nhalf';
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at <= bytes.length; at++) {
    const { lines } = split([bytes.slice(0, at), bytes.slice(at)]);
    assert.deepEqual(lines, ['{"a":"é😀"}', '{"b":1}', '{"c":"日本"}']);
  }
  const single = split([...bytes].map((byte) => Uint8Array.of(byte)));
  assert.deepEqual(single.lines, ['{"a":"é😀"}', '{"b":1}', '{"c":"日本"}']);
  assert.equal(single.splitter.pending, 4);
});

Deno.test("any text in any chunks is split as split() does it", () => {
  const text = fc.array(
    fc.oneof(
      fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\u2028", "x".repeat(30), "y".repeat(300)),
      fc.string({ unit: "grapheme" }),
    ),
  ).map((parts) => parts.join("").replace(/^\ufeff/, "") + "\n");
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat()),
      fc.integer({ min: 200, max: 700 }),
      (text, places, max) => {
        const { lines, oversize } = split(cut(text, places), max);
        assert.deepEqual({ lines, oversize }, expected(text, max));
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("a line as long as the limit is taken, one longer is not, with either line end", () => {
  for (const end of ["\n", "\r\n"]) {
    const text = "x".repeat(10) + end + "y".repeat(11) + end + "z" + end;
    for (const places of [[], [10], [11], [5, 11, 12, 22, 23]]) {
      const { lines, oversize } = split(cut(text, places), 10);
      assert.deepEqual(lines, ["x".repeat(10), "z"]);
      assert.deepEqual(oversize, [{ head: "y".repeat(11), tail: "y".repeat(11) }]);
    }
  }
});

Deno.test("of a line that is too long its two ends are told, and nothing of it is held", () => {
  const head = '{"jsonrpc":"2.0","id":7,' + "h".repeat(300);
  const tail = "t".repeat(300) + ',"id":7}';
  const oversize: LineEnds[] = [];
  const splitter = new LineSplitter(() => assert.fail("a line came out"), {
    maxLength: 1000,
    onOversize: (ends) => oversize.push(ends),
  });
  const filler = new Uint8Array(10_000).fill(46);
  splitter.push(new TextEncoder().encode(head));
  let most = 0;
  for (let i = 0; i < 1000; i++) {
    splitter.push(filler);
    most = Math.max(most, splitter.pending);
  }
  splitter.push(new TextEncoder().encode(tail));
  assert.deepEqual([most, oversize], [0, []]);
  splitter.push(new TextEncoder().encode("\r\n"));
  assert.deepEqual(oversize, [{ head: head.slice(0, 200), tail: tail.slice(-200) }]);
});

Deno.test("bytes that are not UTF-8 become U+FFFD; a byte order mark is left out", () => {
  const { lines } = split([Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62, 0x0a)]);
  assert.deepEqual(lines, ["a\ufffdb"]);
});
