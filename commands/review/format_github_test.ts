import assert from "node:assert/strict";
import { formatGithub } from "./format_github.ts";
import { file, finding, report } from "./testdata.ts";

Deno.test("github: one annotation a finding and a file that was not reviewed", () => {
  const text = formatGithub(report([
    file("src/a.ts", { findings: [finding(), finding({ severity: "medium" })] }),
    file("b.bin", { skipped: "a binary file" }),
  ]));
  assert.deepEqual(text.split("\n"), [
    "::error file=src/a.ts,line=3,endLine=3,col=5,title=js-eval (high%2C CWE-95)::eval runs text. Use JSON.parse.",
    "::warning file=src/a.ts,line=3,endLine=3,col=5,title=js-eval (medium%2C CWE-95)::eval runs text. Use JSON.parse.",
    "::error file=b.bin,title=not reviewed%2C or not all of it::a binary file",
    "aichaku review: 2 findings, 1 of them high or worse; 1 of 2 files reviewed",
    "",
  ]);
});

Deno.test("github: nothing in a path or a message can begin another command or property", () => {
  const [line] = formatGithub(report([
    file("a,b:c%\n::error::x.ts", { skipped: "50%\r\n::error::y, z: w" }),
  ])).split("\n");
  assert.equal(
    line,
    "::error file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax.ts,title=not reviewed%2C or not all of it::" +
      "50%25%0D%0A::error::y, z: w",
  );
});

Deno.test("github: one finding is one finding", () => {
  const text = formatGithub(report([file("a.ts", { findings: [finding()] })]));
  assert.match(text, /^aichaku review: 1 finding, 1 of them high or worse; /m);
});
