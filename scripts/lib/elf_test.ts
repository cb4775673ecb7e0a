import assert from "node:assert/strict";
import { elfLength } from "./elf.ts";

/** A header whose `count` section headers of 64 bytes begin at `sections`, and `length` bytes in all. */
function elf(sections: number, count: number, length: number): Uint8Array {
  const file = new Uint8Array(length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const header = new DataView(file.buffer);
  header.setBigUint64(0x28, BigInt(sections), true);
  header.setUint16(0x3a, 64, true);
  header.setUint16(0x3c, count, true);
  return file;
}

Deno.test("what was appended to a program is not part of it", () => {
  assert.equal(elfLength(elf(1000, 3, 5000)), 1192);
  assert.equal(elfLength(elf(1000, 3, 1192)), 1192);
});

Deno.test("the file may be part of a larger buffer", () => {
  const buffer = new Uint8Array(6000);
  buffer.set(elf(1000, 3, 5000), 500);
  assert.equal(elfLength(buffer.subarray(500)), 1192);
});

Deno.test("a file that is cut short, or no program, is refused", () => {
  assert.throws(() => elfLength(elf(1000, 3, 1191)), /1192 bytes, and has 1191/);
  assert.throws(() => elfLength(elf(0, 3, 5000)), /should have/);
  assert.throws(
    () => elfLength(new TextEncoder().encode("#!/bin/sh\n".repeat(20))),
    /Not a 64-bit/,
  );
  assert.throws(() => elfLength(new Uint8Array(10)), /Not a 64-bit/);
});
