import assert from "node:assert/strict";
import { formatJson } from "./format_json.ts";
import { summarize } from "./report.ts";
import { file, finding, report } from "./testdata.ts";

Deno.test("json: the report and its numbers, one JSON text", () => {
  const given = report([
    file("a.ts", { findings: [finding()] }),
    file("b.bin", { skipped: "why" }),
  ]);
  const text = formatJson(given);
  assert.ok(text.endsWith("}\n"));
  const { version, ...rest } = JSON.parse(text);
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(rest, {
    rulesVersion: "0123456789ab",
    failOn: "high",
    summary: summarize(given),
    files: given.files,
  });
});
