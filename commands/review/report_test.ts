import assert from "node:assert/strict";
import { exitCodeOf, summarize } from "./report.ts";
import { file, finding, report } from "./testdata.ts";

const bad = file("a.ts", { findings: [finding(), finding({ severity: "low" })] });
const skipped = file("b.bin", { status: "skipped", skipped: "a binary file" });
const degraded = file("d.ts", { status: "degraded", skipped: "line 7 could not be parsed" });
const failed = file("e.ts", { status: "failed", skipped: "not done within 2 s" });

Deno.test("the numbers of a report", () => {
  assert.deepEqual(
    summarize(report([bad, skipped, failed, file("c.ts"), degraded], { failOn: "info" })),
    {
      files: 5,
      reviewed: 2,
      notReviewed: 3,
      degraded: 1,
      skipped: 1,
      failed: 1,
      filesWithFindings: 1,
      findings: { critical: 0, high: 1, medium: 0, low: 1, info: 0, total: 2 },
      failing: 2,
      onlySecrets: 0,
      binary: 0,
      suppressed: 0,
      unchanged: 0,
    },
  );
});

Deno.test("the exit code: findings at the level come first, then what was not reviewed", () => {
  assert.equal(exitCodeOf(report([file("c.ts")])), 0);
  assert.equal(exitCodeOf(report([bad])), 1);
  assert.equal(exitCodeOf(report([bad], { failOn: "critical" })), 0);
  for (const file of [skipped, degraded, failed]) assert.equal(exitCodeOf(report([file])), 4);
  assert.equal(exitCodeOf(report([bad, skipped], { failOn: "critical" })), 4);
  assert.equal(exitCodeOf(report([bad, skipped])), 1);
});
