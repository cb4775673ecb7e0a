import assert from "node:assert/strict";
import { inShort, lastWordsIn, whyNoStart } from "./last_words.ts";

const NODE = [
  "node:internal/modules/cjs/loader:1228",
  "Error: Cannot find module '/x.js'",
  "    at node:internal/main:49:3 {",
  "  code: 'MODULE_NOT_FOUND'",
  "}",
  "",
  "Node.js v22.1.0",
].join("\n");

Deno.test("of what a server wrote, the line is shown that names the error", () => {
  assert.equal(lastWordsIn("exited with code 1"), undefined);
  assert.equal(lastWordsIn("exited with code 1\nfirst\nError: no API key\n"), "Error: no API key");
  assert.equal(lastWordsIn(`exited with code 1\n${NODE}`), "Error: Cannot find module '/x.js'");
  assert.equal(inShort("exited with code 1"), "exited with code 1");
  assert.equal(inShort("exited with code 1\nno key"), "exited with code 1: no key");
  assert.ok(inShort(`exited\n${"x".repeat(10_000)}`).length < 400);
});

Deno.test("why a server did not start is told with what it said, and what to do", () => {
  const how = "exited with code 1";
  assert.equal(
    whyNoStart({ how, stderr: NODE }, 1),
    "it exited with code 1 before it was ready; its last words: Error: Cannot find module '/x.js'; " +
      '"aichaku mcp --logs" shows all of them',
  );
  for (const stderr of ["", " \n"]) {
    assert.match(
      whyNoStart({ how, stderr }, 1),
      /ready; it wrote nothing to stderr: check "command"/,
    );
  }
  const remote = { how: "cannot be reached", stderr: "check that it runs" };
  assert.equal(
    whyNoStart(remote, undefined),
    "it cannot be reached before it was ready; check that it runs",
  );
  assert.equal(whyNoStart({ how, stderr: "" }, undefined), `it ${how} before it was ready`);
});
