import assert from "node:assert/strict";
import { type BenchResults, render } from "./report.ts";
import { isMet, verdict } from "./section.ts";

function results(loadBefore: number): BenchResults {
  return {
    version: "0.1.0",
    program: "source",
    when: "2026-01-01T00:00:00.000Z",
    machine: { os: "linux", cpu: "fast", cores: 2, deno: "2.9.6", node: "v24", loadBefore },
    wrk: "wrk 4",
    pinned: true,
    sections: [{
      title: "Throughput",
      text: "How.",
      tables: [{ title: "32 connections", head: ["who", "calls/s"], rows: [["aichaku", "2000"]] }],
      verdicts: [
        ...verdict("throughput / peer's", 12.345, ["at least", 10, "x"]),
        ...verdict("idle", 61.04, ["at most", 60, "MB"]),
        ...verdict("not measured", undefined, ["at most", 60, "MB"]),
      ],
      problems: ["peer gave 3 wrong answers\nto 4 calls"],
      data: {},
    }],
  };
}

Deno.test("the document begins with every target beside what was found", () => {
  const text = render(results(0));
  assert.match(
    text,
    /## Targets\n\n.*\n.*\n\| throughput \/ peer's \| 12\.3x \| at least 10x \| yes \|/,
  );
  assert.match(text, /\| idle \| 61 MB \| at most 60 MB \| \*\*no\*\* \|/);
  assert.doesNotMatch(text, /not measured/);
  assert.match(text, /\*\*Failed:\*\* peer gave 3 wrong answers to 4 calls\n\n## Throughput/);
  assert.match(
    text,
    /### 32 connections\n\n\| who \| calls\/s \|\n\| --- \| --- \|\n\| aichaku \| 2000 \|/,
  );
});

Deno.test("results of a busy machine say so", () => {
  assert.doesNotMatch(render(results(0.4)), /busy/);
  assert.match(render(results(1.5)), /busy before the bench began \(load 1\.5\)/);
});

Deno.test("a bound that is reached exactly is met, on either side", () => {
  const [least] = verdict("", 10, ["at least", 10, "x"]);
  const [most] = verdict("", 10, ["at most", 10, "x"]);
  assert.equal(isMet(least), true);
  assert.equal(isMet(most), true);
  assert.equal(isMet({ ...least, found: 9.99 }), false);
  assert.equal(isMet({ ...most, found: 10.01 }), false);
});
