import assert from "node:assert/strict";
import { formatPretty, visible } from "./format_pretty.ts";
import { file, finding, report } from "./testdata.ts";

const plain = { noColor: true };

Deno.test("pretty: findings by file, what was not reviewed, and the numbers", () => {
  const text = formatPretty(
    report([
      file("src/a.ts", { findings: [finding(), finding({ line: 12, severity: "critical" })] }),
      file("b.bin", { skipped: "a binary file" }),
      file("c.ts"),
    ]),
    plain,
  );
  assert.equal(
    text,
    `src/a.ts
  3:5       high      eval runs text.  js-eval CWE-95
            x = eval(y);
            Use JSON.parse.
  12:5      critical  eval runs text.  js-eval CWE-95
            x = eval(y);
            Use JSON.parse.

Not reviewed, or not all of it:
  b.bin  a binary file

2 findings (1 critical, 1 high) in 1 of 3 files; 1 file not reviewed, or not all of it
`,
  );
});

Deno.test("pretty: clean is only said of what was reviewed", () => {
  assert.equal(formatPretty(report([file("a.ts")]), plain), "No findings in 1 file\n");
  assert.match(
    formatPretty(report([file("a.ts", { skipped: "why" })]), plain),
    /\nNo findings in 1 file; 1 file not reviewed, or not all of it\n$/,
  );
  assert.match(
    formatPretty(report([file("a.ts", { status: "failed", skipped: "why" })]), plain),
    /\nNo findings in 1 file; 1 file not reviewed, or not all of it \(1 failed\)\n$/,
  );
});

Deno.test("pretty: colours only where they are wanted", () => {
  const bad = report([file("a.ts", { findings: [finding()] })]);
  assert.ok(formatPretty(bad, { noColor: false }).includes("\x1b[31mhigh"));
  assert.ok(!formatPretty(bad, plain).includes("\x1b"));
});

Deno.test("pretty: nothing in a file can move the cursor or reorder letters", () => {
  assert.equal(visible("a\x1b[2Jb\u202ec\td\r\n"), "a\\u{1b}[2Jb\\u{202e}c d\\u{d}\\u{a}");
  const text = formatPretty(
    report([file("a\n\x1b[1m.ts", { findings: [finding({ excerpt: "\x1b]0;x\x07" })] })]),
    plain,
  );
  assert.ok(!text.includes("\x1b") && !text.includes("\x07"));
  assert.ok(text.startsWith("a\\u{a}\\u{1b}[1m.ts\n"));
});
