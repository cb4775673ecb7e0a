import assert from "node:assert/strict";
import { binaryName, targetName } from "./host_target.ts";

Deno.test("a binary's name has the version and the target, on Windows an extension", () => {
  assert.equal(
    binaryName("1.2.3", targetName("x86_64-unknown-linux-gnu")),
    "aichaku-1.2.3-linux-x64",
  );
  assert.equal(
    binaryName("1.2.3", targetName("aarch64-apple-darwin")),
    "aichaku-1.2.3-macos-arm64",
  );
  assert.equal(
    binaryName("1.2.3", targetName("x86_64-pc-windows-msvc"), "-test"),
    "aichaku-1.2.3-windows-x64-test.exe",
  );
});

Deno.test("this machine has a name, and an unknown target is told with the known ones", () => {
  assert.match(targetName(Deno.build.target), /^(linux|macos|windows)-(x64|arm64)$/);
  assert.throws(() => targetName("riscv64-unknown-linux-gnu"), /riscv64.*linux-x64, linux-arm64/);
  assert.throws(() => targetName("constructor"), /constructor/);
});
