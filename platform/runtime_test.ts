import { equal, match, rejects } from "node:assert/strict";
import process from "node:process";
import { isDenoBefore, nodesProcess, platformName, readTextFile } from "./runtime.ts";

Deno.test("the version of Deno is compared by its numbers", () => {
  const before = ["1.46.3", "2.7.9", "2.7.13", "2.7.13+abc"];
  const since = ["2.7.14", "2.7.14-rc.1", "2.8.0", "2.10.0", "3.0.0", "10.0.0"];
  for (const version of before) equal(isDenoBefore([2, 7, 14], version), true, version);
  for (const version of since) equal(isDenoBefore([2, 7, 14], version), false, version);
  equal(isDenoBefore([0, 0, 0]), false);
  equal(isDenoBefore([99, 0, 0]), true, "this is one");
});

Deno.test("the system has the name that Node gives it", () => {
  equal(platformName(), process.platform);
  equal(nodesProcess(), process);
});

Deno.test("a file that is not there is told by the system's code", async () => {
  match(await readTextFile(import.meta.filename!), /this very line/);
  await rejects(readTextFile("/no/such/file"), { code: "ENOENT" });
});
