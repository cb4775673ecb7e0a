import assert from "node:assert/strict";
import { executableTarget, targetOfFile } from "./executable.ts";
import { hostTarget } from "./targets.ts";

function elf(machine: number): Uint8Array {
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  new DataView(header.buffer).setUint16(0x12, machine, true);
  return header;
}

function mach(cpu: number): Uint8Array {
  const header = new Uint8Array(64);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0xfeedfacf, true);
  view.setUint32(4, cpu, true);
  return header;
}

function pe(machine: number, offset = 0x80): Uint8Array {
  const header = new Uint8Array(256);
  const view = new DataView(header.buffer);
  view.setUint16(0, 0x4d5a);
  view.setUint32(0x3c, offset, true);
  if (offset + 6 <= header.length) {
    view.setUint32(offset, 0x50450000);
    view.setUint16(offset + 4, machine, true);
  }
  return header;
}

Deno.test("a header tells the system and the processor", () => {
  assert.equal(executableTarget(elf(0x3e)), "linux-x64");
  assert.equal(executableTarget(elf(0xb7)), "linux-arm64");
  assert.equal(executableTarget(mach(0x01000007)), "macos-x64");
  assert.equal(executableTarget(mach(0x0100000c)), "macos-arm64");
  assert.equal(executableTarget(pe(0x8664)), "windows-x64");
});

Deno.test("other processors, other files and cut headers are none of ours", () => {
  assert.equal(executableTarget(elf(0xf3)), undefined); // RISC-V
  assert.equal(executableTarget(pe(0x14c)), undefined); // 32 bit
  assert.equal(executableTarget(pe(0x8664, 100_000)), undefined);
  assert.equal(executableTarget(new TextEncoder().encode("#!/bin/sh\n".repeat(20))), undefined);
  assert.equal(executableTarget(elf(0x3e).subarray(0, 20)), undefined);
});

Deno.test("the program that runs this is for this machine", async () => {
  assert.equal(await targetOfFile(Deno.execPath()), hostTarget());
});
