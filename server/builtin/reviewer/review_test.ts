import assert from "node:assert/strict";
import { MAX_FINDINGS, MAX_LINE_LENGTH, reviewText } from "./review.ts";

const TOKEN_BODY = "R7qTzL2vXw9KbN4mHs6YpDfG3cJtA5eUaQ8B";

Deno.test("a finding says where it is, in lines and columns from 1", async () => {
  const { findings: [finding], ...rest } = await reviewText({
    path: "a.ts",
    content: "\ufeffconst a = 1;\r\n  eval(a);\r\n",
  });
  assert.deepEqual(rest, { path: "a.ts", language: "typescript", rulesVersion: rest.rulesVersion });
  assert.deepEqual(
    [finding.rule, finding.line, finding.column, finding.endLine, finding.endColumn],
    ["js-eval", 2, 3, 2, 8],
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
  const result = await reviewText({ path: "a.ts", content: "os.system(f'{x}')", language: "py" });
  assert.deepEqual([result.language, result.findings.length], ["python", 1]);
  await assert.rejects(
    () => reviewText({ content: "", language: "cobol" }),
    /Cannot review as language "cobol": known are typescript, javascript, python/,
  );
});

Deno.test("a very long line is left out and said so; the other lines are reviewed", async () => {
  const long = `x = "${"a".repeat(MAX_LINE_LENGTH)}"; eval(x)`;
  const result = await reviewText({ path: "a.js", content: `${long}\neval(y)\n` });
  assert.equal(result.skipped, "line 1 longer than 20000 characters not reviewed");
  assert.deepEqual(result.findings.map(({ line }) => line), [2]);
});

Deno.test("binary and too large content is skipped, not clean", async () => {
  for (const content of ["a\0", "a".repeat(2 * 1024 * 1024 + 1)]) {
    const result = await reviewText({ path: "a.py", content });
    assert.equal(result.language, "python");
    assert.deepEqual(result.findings, []);
    assert.match(result.skipped ?? "", /^(?:a binary file|too large)/);
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
});

Deno.test("content without a name is shown as -", async () => {
  assert.equal((await reviewText({ content: "x", language: "js" })).path, "-");
});
