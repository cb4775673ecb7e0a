import assert from "node:assert/strict";
import { excerptAt } from "./excerpt.ts";
import { Lines } from "./lines.ts";

function excerpt(text: string, offset: number, hidden: { start: number; end: number }[] = []) {
  return excerptAt(text, { offset, lines: new Lines(text), hidden });
}

Deno.test("an excerpt is the trimmed line", () => {
  assert.equal(excerpt("a\n  eval(x)  \nb", 4), "eval(x)");
});

Deno.test("a long line is cut around the finding, and says so", () => {
  const text = "a".repeat(300) + "HERE" + "b".repeat(300);
  const shown = excerpt(text, 300);
  assert.match(shown, /^…a{40}HEREb{116}…$/);
});

Deno.test("secrets are masked whole: overlapping, cut by either end, and from the lines before", () => {
  const overlapping = [{ start: 4, end: 8 }, { start: 6, end: 10 }, { start: 13, end: 17 }];
  assert.equal(excerpt("k = SECRET + MORE", 0, overlapping), "k = **************** + ********");
  assert.equal(excerpt("one\ntwo x\n", 8, [{ start: 0, end: 7 }]), "******** x");
  const long = "s".repeat(100) + "HERE" + "t".repeat(200);
  assert.equal(
    excerpt(long, 100, [{ start: 0, end: 100 }, { start: 104, end: 304 }]),
    "…********HERE********…",
  );
});

Deno.test("a surrogate pair that was cut is replaced", () => {
  const text = "😀".repeat(200);
  assert.ok(excerpt(text, 201).isWellFormed());
});
