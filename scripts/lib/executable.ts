/**
 * What system an executable file is for, by its header. A compiler that was given the wrong base makes a
 * file that only fails on the user's machine; its header tells at once.
 *
 * Sources: ELF gABI (`e_machine`), Mach-O `loader.h` (`cputype`), PE/COFF (`Machine`).
 *
 * @module
 */

import type { Target } from "./targets.ts";

/** Bytes from the beginning of the file that are enough to tell. */
export const HEADER_BYTES = 4096;

const ELF_MACHINES: Readonly<Record<number, Target>> = { 0x3e: "linux-x64", 0xb7: "linux-arm64" };
const MACH_CPUS: Readonly<Record<number, Target>> = {
  0x0100_0007: "macos-x64",
  0x0100_000c: "macos-arm64",
};
const PE_MACHINES: Readonly<Record<number, Target>> = { 0x8664: "windows-x64" };

/**
 * The target that a file's header names; undefined when it is no executable of a target.
 *
 * @param header The first bytes of the file.
 */
export function executableTarget(header: Uint8Array): Target | undefined {
  if (header.length < 64) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  // 0x7f "ELF", 64 bit, little endian.
  if (view.getUint32(0) === 0x7f454c46 && header[4] === 2 && header[5] === 1) {
    return ELF_MACHINES[view.getUint16(0x12, true)];
  }
  if (view.getUint32(0, true) === 0xfeedfacf) return MACH_CPUS[view.getUint32(4, true)];
  if (view.getUint16(0) === 0x4d5a) { // "MZ"
    const pe = view.getUint32(0x3c, true);
    if (pe + 6 > header.length || view.getUint32(pe) !== 0x50450000) return undefined;
    return PE_MACHINES[view.getUint16(pe + 4, true)];
  }
  return undefined;
}

/** {@linkcode executableTarget} of a file. */
export async function targetOfFile(path: string): Promise<Target | undefined> {
  using file = await Deno.open(path);
  const header = new Uint8Array(HEADER_BYTES);
  let length = 0;
  while (length < header.length) {
    const read = await file.read(header.subarray(length));
    if (read === null) break;
    length += read;
  }
  return executableTarget(header.subarray(0, length));
}
