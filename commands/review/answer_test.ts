import assert from "node:assert/strict";
import { readAnswer } from "./answer.ts";
import { finding } from "./testdata.ts";

const review = { path: "a", language: "python", findings: [finding()], rulesVersion: "1" };
const answer = (structuredContent: unknown) => ({
  content: [],
  structuredContent: structuredContent as Record<string, unknown>,
});

Deno.test("an answer keeps the known fields, in their own order", () => {
  const { rule, ...rest } = finding();
  const findings = [{ ...rest, more: 2, rule }];
  const turned = { rulesVersion: "1", extra: 1, findings, language: "python", path: "a" };
  assert.equal(JSON.stringify(readAnswer(answer(turned))), JSON.stringify(review));
  const skipped = { ...review, skipped: "why" };
  assert.deepEqual(readAnswer(answer(skipped)), skipped);
});

Deno.test("an error of the tool is told as it is", () => {
  const failed = { content: [{ type: "text", text: "no such language" }], isError: true };
  assert.deepEqual(readAnswer(failed), { problem: "no such language" });
});

Deno.test("what is no review is never taken for a clean one", () => {
  const wrong: unknown[] = [
    undefined,
    {},
    { ...review, findings: undefined },
    { ...review, findings: [null] },
    { ...review, findings: [finding({ severity: "awful" as "high" })] },
    { ...review, findings: [finding({ line: 0 })] },
    { ...review, findings: [finding({ message: 1 as unknown as string })] },
    { ...review, skipped: 1 },
    { ...review, rulesVersion: undefined },
  ];
  for (const content of wrong) {
    assert.deepEqual(readAnswer(answer(content)), {
      problem: "the server named reviewer did not answer as a reviewer does",
    });
  }
});
