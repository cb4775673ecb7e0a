/**
 * Where a program ends in a file that has something appended to it: ELF, 64 bit, little endian, with the
 * section headers last, as linkers write them.
 *
 * @module
 */

/**
 * Bytes of the program at the beginning of `file`.
 *
 * @throws when it is no such program.
 */
export function elfLength(file: Uint8Array): number {
  const isElf = file.length >= 64 && [0x7f, 0x45, 0x4c, 0x46, 2, 1].every((b, i) => file[i] === b);
  if (!isElf) throw new Error("Not a 64-bit little-endian ELF file");
  const header = new DataView(file.buffer, file.byteOffset, 64);
  const sections = Number(header.getBigUint64(0x28, true));
  const end = sections + header.getUint16(0x3a, true) * header.getUint16(0x3c, true);
  if (sections === 0 || end > file.length) {
    throw new Error(`The ELF file should have ${end} bytes, and has ${file.length}`);
  }
  return end;
}
