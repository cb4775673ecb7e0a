import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_CODE_LENGTH, MAX_FINDINGS, MAX_LINE_LENGTH, reviewText } from "./review.ts";

const TOKEN_BODY = "R7qTzL2vXw9KbN4mHs6YpDfG3cJtA5eUaQ8B";

Deno.test("a finding says where it is, in lines and columns from 1", async () => {
  const { findings: [finding], ...rest } = await reviewText({
    path: "a.ts",
    content: "\ufeffconst a = f();\r\n  eval(a);\r\n",
  });
  assert.deepEqual(rest, {
    path: "a.ts",
    language: "typescript",
    status: "complete",
    rulesVersion: rest.rulesVersion,
  });
  assert.deepEqual(
    [finding.rule, finding.line, finding.column, finding.endLine, finding.endColumn],
    ["js-eval", 2, 3, 2, 10],
  );
  assert.equal(finding.excerpt, "eval(a);");
});

Deno.test("findings are in the order of the text and the same each time", async () => {
  const content = "eval(b); eval(a)\nnew Function(c);\nimport x;\neval(d)";
  const first = await reviewText({ path: "a.js", content });
  assert.deepEqual(first.findings.map(({ line, column }) => [line, column]), [
    [1, 1],
    [1, 10],
    [2, 1],
    [4, 1],
  ]);
  assert.deepEqual(await reviewText({ path: "a.js", content }), first);
});

Deno.test("a secret is never shown, not in the excerpt of another finding either", async () => {
  const result = await reviewText({
    path: "a.js",
    content: `eval(x, "ghp_${TOKEN_BODY}");`,
  });
  assert.deepEqual(result.findings.map(({ rule }) => rule), ["js-eval", "secret-github-token"]);
  for (const { excerpt } of result.findings) {
    assert.equal(excerpt, 'eval(x, "ghp_********");');
  }
  assert.ok(!JSON.stringify(result).includes(TOKEN_BODY.slice(0, 6)));
});

Deno.test("a file of an unknown language is never called clean, and its secrets are found", async () => {
  const result = await reviewText({ path: "a.rb", content: `t = "ghp_${TOKEN_BODY}"\neval(x)` });
  assert.equal(result.language, "unknown");
  assert.equal(result.skipped, "unsupported language: only secrets were looked for");
  assert.deepEqual(result.findings.map(({ rule }) => rule), ["secret-github-token"]);
});

Deno.test("a named language wins over the name of the file; an unknown one is an error", async () => {
  const result = await reviewText({
    path: "a.ts",
    content: "os.system(f'ls {x}')",
    language: "py",
  });
  assert.deepEqual([result.language, result.findings.length], ["python", 1]);
  await assert.rejects(
    () => reviewText({ content: "", language: "cobol" }),
    /Cannot review as language "cobol": known are typescript, javascript, python/,
  );
});

Deno.test("a very long line is left out and said so; the other lines are reviewed", async () => {
  const long = `x = "${"a".repeat(MAX_LINE_LENGTH)}"; eval(x)`;
  const rest = "y(1);\n".repeat(MAX_LINE_LENGTH / 4);
  const result = await reviewText({ path: "a.js", content: `${long}\neval(y)\n${rest}` });
  assert.equal(result.skipped, "line 1 longer than 20000 characters not reviewed");
  assert.deepEqual(result.findings.map(({ line }) => line), [2]);
  assert.equal(result.status, "degraded");
});

Deno.test("a minified file, and a huge one, are only looked at for secrets, and said so", async () => {
  const secret = `"ghp_${TOKEN_BODY}"`;
  for (
    const [filler, reason] of [
      ["f();".repeat(MAX_LINE_LENGTH / 2), /^minified or generated: only secrets/],
      ["f();\n".repeat(MAX_CODE_LENGTH / 5 + 1), /^longer than 1048576 characters: only secrets/],
    ] as const
  ) {
    const result = await reviewText({ path: "a.js", content: `eval(x);${secret};${filler}` });
    assert.deepEqual(result.findings.map(({ rule }) => rule), ["secret-github-token"]);
    assert.match(result.skipped ?? "", reason);
    assert.equal(result.status, "degraded");
  }
});

Deno.test("what cannot be parsed is said with its line, and the rest is reviewed", async () => {
  const content = "function f() {\n  eval(a);\n}\nconst = = 5 6;\neval(b);\n";
  const result = await reviewText({ path: "a.ts", content });
  assert.match(result.skipped ?? "", /^line 4 could not be parsed as typescript/);
  assert.equal(result.status, "degraded");
  assert.deepEqual(result.findings.map(({ line }) => line), [2, 5]);
});

Deno.test("the dialects of a language are understood: JSX, types, Flow, generics", async () => {
  for (
    const [path, content] of [
      ["a.tsx", "const a = <T,>(x: T) => <p>{eval(x)}</p>;"],
      ["a.ts", "const a = <string>eval(x);"],
      ["a.jsx", "const a = <p a={eval(x)}>it's</p>;"],
      ["a.ts", "export type * from './a.ts';\ninterface A<in T, out U> {}\neval(x);"],
      ["a.ts", "for (using a of b) eval(a);\nclass A<in out T> { accessor x = 1; }"],
      ["a.js", "import defer * as a from 'a';\nfor (await using b of a) eval(b);"],
      ["a.js", "// @flow\nfunction f(x: string): number { return eval(x); }"],
      ["a.py", "match x:\n    case [a, *_] if (y := a):\n        print(f'{eval(y)!r:>{w}}')\n"],
    ]
  ) {
    const { skipped, findings } = await reviewText({ path, content });
    assert.deepEqual([path, skipped, findings.length], [path, undefined, 1]);
  }
});

Deno.test("nesting without end is no trouble", async () => {
  const deep = 20_000;
  const { findings } = await reviewText({
    path: "a.js",
    content: `eval(${"[\n".repeat(deep)}x${"]\n".repeat(deep)});\neval(${"a+\n".repeat(deep)}b)`,
  });
  assert.deepEqual(findings.map(({ rule }) => rule), ["js-eval", "js-eval"]);
});

Deno.test("binary and too large content is skipped, not clean", async () => {
  for (const content of ["a\0", "a".repeat(2 * 1024 * 1024 + 1)]) {
    const result = await reviewText({ path: "a.py", content });
    assert.equal(result.language, "python");
    assert.deepEqual(result.findings, []);
    assert.match(result.skipped ?? "", /^(?:a binary file|too large)/);
    assert.equal(result.status, "skipped");
  }
});

Deno.test("too many findings are cut and said so, and secrets stay masked", async () => {
  const line = `eval(x); "ghp_${TOKEN_BODY}"\n`;
  const result = await reviewText({ path: "a.js", content: line.repeat(MAX_FINDINGS + 1) });
  assert.equal(result.findings.length, MAX_FINDINGS);
  assert.equal(result.skipped, `more than ${MAX_FINDINGS} findings: the rest is not listed`);
  assert.ok(!JSON.stringify(result).includes(TOKEN_BODY.slice(0, 6)));
});

Deno.test("a review that takes too long stops and says so", async () => {
  let time = 0;
  const result = await reviewText(
    { path: "a.js", content: "eval(x)" },
    { now: () => (time += 6_000) },
  );
  assert.deepEqual(result.findings, []);
  assert.equal(result.skipped, "not done within 10 s: the rest was not looked for");
  assert.equal(result.status, "failed");
});

Deno.test("content without a name is shown as -", async () => {
  assert.equal((await reviewText({ content: "x", language: "js" })).path, "-");
});

Deno.test("whatever the text, a review ends with the same answer each time, and its places are real", async () => {
  const piece = fc.constantFrom(
    ..."eval exec os.system( subprocess.run( shell=True innerHTML = ` ${ } ' \" f' ( ) [ ] { } => + % , . ; : /* */ // # < > </ \\ x const def import child_process yaml.load é 😀"
      .split(" "),
    " ",
    "\n",
    "\r\n",
    "    ",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 80 }),
      fc.constantFrom("a.ts", "a.tsx", "a.js", "a.py"),
      async (pieces, path) => {
        const content = pieces.join("");
        const result = await reviewText({ path, content });
        assert.deepEqual(await reviewText({ path, content }), result);
        const lines = content.split(/\r\n|\n/);
        for (const { line, column, endLine, endColumn } of result.findings) {
          assert.ok(line <= endLine && endLine <= lines.length);
          assert.ok(
            column - 1 <= lines[line - 1].length && endColumn - 1 <= lines[endLine - 1].length,
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("many names in many statements are looked up in good time", async () => {
  const many = 8_000;
  const content = Array.from({ length: many }, (_, i) => `const a${i} = 1;\neval(a${i});`).join(
    "\n",
  );
  const { findings, skipped } = await reviewText({ path: "a.js", content });
  assert.deepEqual([findings, skipped], [[], undefined]);
});
