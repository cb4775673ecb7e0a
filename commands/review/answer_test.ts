import assert from "node:assert/strict";
import { readAnswer } from "./answer.ts";
import { finding } from "./testdata.ts";

const review = {
  path: "a",
  language: "python",
  status: "complete",
  findings: [finding()],
  rulesVersion: "1",
};
const answer = (structuredContent: unknown) => ({
  content: [],
  structuredContent: structuredContent as Record<string, unknown>,
});

Deno.test("an answer keeps the known fields, in their own order", () => {
  const { rule, ...rest } = finding();
  const findings = [{ ...rest, more: 2, rule }];
  const turned = { rulesVersion: "1", extra: 1, findings, language: "python", path: "a" };
  assert.equal(JSON.stringify(readAnswer(answer(turned))), JSON.stringify(review));
  const of2021 = { ...review, findings: [finding({ owasp: "A03:2021" })] };
  assert.deepEqual(readAnswer(answer(of2021)), of2021);
});

Deno.test("an answer is complete only if nothing in it says otherwise", () => {
  const { status: _, ...old } = review;
  const failed = { ...review, status: "failed", skipped: "why" };
  assert.deepEqual(readAnswer(answer(old)), review);
  assert.deepEqual(readAnswer(answer(failed)), failed);
  for (const doubtful of [{ ...old, skipped: "why" }, { ...review, skipped: "why" }]) {
    assert.deepEqual(readAnswer(answer(doubtful)), {
      ...review,
      status: "degraded",
      skipped: "why",
    });
  }
  assert.deepEqual(readAnswer(answer({ ...review, status: "skipped" })), {
    ...review,
    status: "skipped",
    skipped: "the reviewer did not say why",
  });
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
    { ...review, status: "fine" },
    { ...review, findings: [finding({ owasp: 3 as unknown as string })] },
    { ...review, rulesVersion: undefined },
  ];
  for (const content of wrong) {
    assert.deepEqual(readAnswer(answer(content)), {
      problem: "the server named reviewer did not answer as a reviewer does",
    });
  }
});
