import assert from "node:assert/strict";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { formatSarif, uriOf } from "./format_sarif.ts";
import { file, finding, report } from "./testdata.ts";
import sarifSchema from "./testdata/sarif-2.1.0.json" with { type: "json" };

Deno.test("sarif: results point to their rules, places and files", () => {
  const log = JSON.parse(formatSarif(report([
    file("src/a b.ts", {
      findings: [finding({ rule: "z" }), finding(), finding({ severity: "low", rule: "m" })],
    }),
    file("b.bin", { skipped: "a binary file" }),
  ])));
  assert.equal(log.version, "2.1.0");
  const [run] = log.runs;
  const { rules } = run.tool.driver;
  assert.deepEqual(rules.map(({ id }: { id: string }) => id), ["js-eval", "m", "z"]);
  for (const { ruleId, ruleIndex } of run.results) assert.equal(rules[ruleIndex].id, ruleId);
  assert.deepEqual(run.results[1], {
    ruleId: "js-eval",
    ruleIndex: 0,
    level: "error",
    message: { text: "eval runs text. Use JSON.parse." },
    locations: [{
      physicalLocation: {
        artifactLocation: { uri: "src/a%20b.ts" },
        region: {
          startLine: 3,
          startColumn: 5,
          endLine: 3,
          endColumn: 10,
          snippet: { text: "x = eval(y);" },
        },
      },
    }],
    properties: { severity: "high" },
  });
  assert.deepEqual(rules[0].properties, {
    "security-severity": "8.0",
    tags: ["security", "external/cwe/cwe-95"],
  });
  assert.equal(run.columnKind, "utf16CodeUnits");
});

Deno.test("sarif: what was not reviewed makes the run unsuccessful, and is named", () => {
  const invocation = (text: string) => JSON.parse(text).runs[0].invocations[0];
  const failed = invocation(formatSarif(report([file("b.bin", { skipped: "why" })])));
  assert.equal(failed.executionSuccessful, false);
  assert.deepEqual(failed.toolExecutionNotifications, [{
    level: "error",
    message: { text: "Not reviewed, or not all of it: why" },
    locations: [{ physicalLocation: { artifactLocation: { uri: "b.bin" } } }],
  }]);
  assert.equal(invocation(formatSarif(report([file("a.ts")]))).executionSuccessful, true);
});

Deno.test("sarif: paths are URIs, relative where the path is", () => {
  assert.equal(uriOf("./src/ä#?%.ts"), "src/%C3%A4%23%3F%25.ts");
  assert.equal(uriOf("a:b.ts"), "a%3Ab.ts");
  assert.equal(uriOf("../a.ts"), "../a.ts");
  if (Deno.build.os !== "windows") {
    assert.equal(uriOf("/x/a b.ts"), "file:///x/a%20b.ts");
    assert.equal(uriOf("a\\b.ts"), "a%5Cb.ts");
  }
});

/** A log as the official schema sees it; what it says is wrong. */
const validate = addFormats.default(new Ajv.default({ strict: false, allErrors: true }))
  .compile(sarifSchema);

Deno.test("sarif: valid by the official schema, whatever was found", () => {
  const suppressed = [{ ...finding({ rule: "js-new-function" }), reason: "ours" }];
  const reports = [
    report([]),
    report([], { rulesVersion: null }),
    report([
      file("src/a b.ts", { findings: [finding(), finding({ severity: "info", cwe: "CWE-1" })] }),
      file("/abs/ü.py", { findings: [finding({ rule: "py-eval" })], suppressed }),
      file("c.bin", { skipped: "a binary file" }),
      file("notes.md", { language: "unknown", onlySecrets: true }),
    ]),
  ];
  for (const one of reports) {
    const log = JSON.parse(formatSarif(one));
    validate(log);
    assert.deepEqual(validate.errors ?? [], []);
  }
  // The schema is one that refuses.
  assert.equal(validate({ version: "2.1.0", runs: [{ tool: {} }] }), false);
});

Deno.test("sarif: what a comment suppresses is a result with its reason", () => {
  const suppressed = [{ ...finding(), reason: "made by us" }];
  const { runs: [{ results, tool }] } = JSON.parse(
    formatSarif(report([file("a.ts", { suppressed })])),
  );
  assert.deepEqual(results[0].suppressions, [{ kind: "inSource", justification: "made by us" }]);
  assert.equal(tool.driver.rules[results[0].ruleIndex].id, "js-eval");
});
