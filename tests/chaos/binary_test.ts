/**
 * The whole end-to-end suite against the compiled program: some ten minutes on two cores. Run with
 * `deno task chaos`. The binary is the one that `AICHAKU_TEST_BIN` names, or is compiled first.
 */

import assert from "node:assert/strict";
import { build } from "../../scripts/lib/build.ts";
import { ROOT } from "../../scripts/lib/project.ts";
import { hostTarget } from "../../scripts/lib/targets.ts";

async function binary(): Promise<string> {
  const given = Deno.env.get("AICHAKU_TEST_BIN");
  if (given) return given;
  const [{ path }] = await build({
    targets: [hostTarget()],
    base: "official or test",
    signal: new AbortController().signal,
    say: console.log,
  });
  return path;
}

Deno.test("the end-to-end suite passes against the binary", async () => {
  const path = await binary();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "-A",
      "--no-check",
      "--parallel",
      "tests/e2e/",
      "tests/security/",
      "tests/packaging/",
    ],
    cwd: ROOT,
    env: { AICHAKU_TEST_BIN: path, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    console.log(chunk.trimEnd());
    output += chunk;
  }
  const { code } = await child.status;
  assert.match(output, /\d{3,} passed/, "the suite did not run");
  assert.equal(code, 0, "a test failed against the binary");
});
