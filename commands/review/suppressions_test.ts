import assert from "node:assert/strict";
import { applySuppressions, UNEXPLAINED } from "./suppressions.ts";
import { finding } from "./testdata.ts";

function apply(text: string, line: number, rule = "js-eval") {
  const { findings, suppressed } = applySuppressions(
    [finding({ rule, line, endLine: line })],
    text,
  );
  return {
    kept: findings.map(({ rule, line }) => `${rule}@${line}`),
    reasons: suppressed.map(({ reason }) => reason),
  };
}

Deno.test("suppressions: a reason at the end of the line, or alone on the line above", () => {
  const cases: [text: string, line: number, reason: string][] = [
    ["eval(x); // aichaku-ignore js-eval: x is a constant", 1, "x is a constant"],
    ["// aichaku-ignore js-eval: made by us\neval(x);", 2, "made by us"],
    ["  # aichaku-ignore py-eval, js-eval: two at once\r\neval(x)", 2, "two at once"],
    ["eval(x); /* aichaku-ignore js-eval: in a block */", 1, "in a block"],
    ["<!-- aichaku-ignore js-eval: a page -->\n<b>", 2, "a page"],
  ];
  for (const [text, line, reason] of cases) {
    assert.deepEqual(apply(text, line), { kept: [], reasons: [reason] }, text);
  }
});

Deno.test("suppressions: only the rule and the line they name", () => {
  const kept = { kept: ["js-eval@1"], reasons: [] };
  assert.deepEqual(apply("eval(x); // aichaku-ignore js-inner-html: other rule", 1), kept);
  assert.deepEqual(apply("eval(x);\n// aichaku-ignore js-eval: too late", 1), kept);
  assert.deepEqual(apply("eval(x);\ny; // aichaku-ignore js-eval: other line", 1), kept);
  assert.deepEqual(apply("eval(x); // aichaku-ignored js-eval: another word", 1), kept);
});

Deno.test("suppressions: one without a reason or a rule does not count, and is told", () => {
  for (
    const comment of [
      "aichaku-ignore",
      "aichaku-ignore js-eval",
      "aichaku-ignore js-eval:",
      "aichaku-ignore js-eval: ---",
      "aichaku-ignore : because",
      "aichaku-ignore js eval: because",
    ]
  ) {
    assert.deepEqual(
      apply(`eval(x); // ${comment}`, 1),
      { kept: ["js-eval@1", `${UNEXPLAINED}@1`], reasons: [] },
      comment,
    );
  }
});

Deno.test("suppressions: what stands behind the comment is not repeated, it may be a secret", () => {
  const { findings } = applySuppressions([], "# aichaku-ignore hunter2hunter2");
  assert.equal(findings[0].excerpt, "# aichaku-ignore");
});
