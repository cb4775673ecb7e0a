import assert from "node:assert/strict";
import { terminalSvg } from "./terminal_svg.ts";

Deno.test("what was typed has a prompt, and what XML means is escaped", () => {
  const svg = terminalSvg([
    { kind: "typed", text: `echo "<a> & b"` },
    { kind: "printed", text: "<a> & b\u0007" },
  ], { title: "A & B" });
  assert.match(svg, /<tspan [^>]+>\$ <\/tspan><tspan [^>]+>echo "&lt;a&gt; &amp; b"<\/tspan>/);
  assert.match(svg, />&lt;a&gt; &amp; b<\/tspan>/);
  assert.match(svg, /<title>A &amp; B<\/title>/);
});

Deno.test("a long line goes on in the next row, and the picture grows with its rows", () => {
  const rows = (text: string) => {
    const svg = terminalSvg([{ kind: "printed", text }], { title: "t", columns: 10 });
    return [svg.match(/<text /g)?.length ?? 0, Number(/height="(\d+)"/.exec(svg)?.[1])];
  };
  const [one, low] = rows("1234567890");
  const [two, high] = rows("12345678901");
  assert.deepEqual([one, two, high - low], [1, 2, 20]);
  assert.deepEqual(rows("")[0], 0);
});
