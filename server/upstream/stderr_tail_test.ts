import assert from "node:assert/strict";
import { StderrTail } from "./stderr_tail.ts";

function tail(): { tail: StderrTail; lines: string[]; push(text: string): void } {
  const lines: string[] = [];
  const tail = new StderrTail({ onLine: (line) => lines.push(line) });
  return { tail, lines, push: (text) => tail.push(new TextEncoder().encode(text)) };
}

Deno.test("every line is told once, whatever the chunks; blank ones are left out", () => {
  const { tail: kept, lines } = tail();
  for (const byte of new TextEncoder().encode("one\n\n  \r\ntwo é😀\r\nthree")) {
    kept.push(Uint8Array.of(byte));
  }
  assert.deepEqual(lines, ["one", "two é😀"]);
  kept.end();
  kept.end();
  assert.deepEqual(lines, ["one", "two é😀", "three"]);
  assert.equal(kept.text, "one\ntwo é😀\nthree");
});

Deno.test("of many lines the last twenty are shown", () => {
  const { tail: kept, lines, push } = tail();
  for (let i = 1; i <= 1000; i++) push(`line ${i}\n`);
  assert.equal(lines.length, 1000);
  assert.equal(kept.text.split("\n").length, 20);
  assert.match(kept.text, /^line 981\n/);
  assert.match(kept.text, /\nline 1000$/);
});

Deno.test("a line without an end is cut, and costs no memory", () => {
  const { tail: kept, lines, push } = tail();
  for (let i = 0; i < 100; i++) push("x".repeat(10_000));
  assert.equal(lines.length, 0);
  push("\nnext\n");
  assert.deepEqual(lines.map((line) => line.length), [8 * 1024, 4]);
  assert.ok(kept.text.length < 9000);
});

Deno.test("a server that wrote nothing has no last words", () => {
  const { tail: kept, lines } = tail();
  kept.end();
  assert.deepEqual([kept.text, lines], ["", []]);
});

Deno.test("a flood is kept for the error, and cut short in the log", () => {
  const logged: string[] = [];
  const tail = new StderrTail({ onLine: (line) => logged.push(line) });
  const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
  tail.push(new TextEncoder().encode(lines.join("\n") + "\n"));
  assert.equal(logged.length, 101);
  assert.equal(logged[0], "line 900");
  assert.match(logged[100], /900 lines/);
  assert.match(tail.text, /line 999$/);
});
