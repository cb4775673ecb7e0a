import assert from "node:assert/strict";
import { archiveName, binaryName, chosenTargets, hostTarget, TARGETS } from "./targets.ts";

Deno.test("a file's name has the version and the target, on Windows an extension", () => {
  assert.equal(binaryName("1.2.3", "linux-x64"), "aichaku-1.2.3-linux-x64");
  assert.equal(binaryName("1.2.3", "macos-arm64", "-test"), "aichaku-1.2.3-macos-arm64-test");
  assert.equal(binaryName("1.2.3", "windows-x64", "-test"), "aichaku-1.2.3-windows-x64-test.exe");
  assert.equal(archiveName("1.2.3", "linux-arm64"), "aichaku-1.2.3-linux-arm64.tar.gz");
  assert.equal(archiveName("1.2.3", "windows-x64"), "aichaku-1.2.3-windows-x64.zip");
});

Deno.test("Deno's name of a system becomes ours, and an unknown one is told with the known ones", () => {
  assert.ok(TARGETS.includes(hostTarget()));
  assert.equal(hostTarget("aarch64-apple-darwin"), "macos-arm64");
  assert.equal(hostTarget("x86_64-pc-windows-msvc"), "windows-x64");
  assert.throws(() => hostTarget("riscv64-unknown-linux-gnu"), /riscv64.*linux-x64, linux-arm64/);
});

Deno.test("--target: this machine, one, all, or an error that names them", () => {
  assert.deepEqual(chosenTargets(undefined), [hostTarget()]);
  assert.deepEqual(chosenTargets("windows-x64"), ["windows-x64"]);
  assert.equal(chosenTargets("all").length, 5);
  assert.throws(() => chosenTargets("linux"), /unknown --target linux; one of all, linux-x64/);
  assert.throws(() => chosenTargets("constructor"), /unknown --target/);
});
