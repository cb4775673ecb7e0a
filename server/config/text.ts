/**
 * Bytes of a text file as text, as editors on different systems save them.
 *
 * @module
 */

/**
 * The text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one (PowerShell's `>`
 * writes that). The mark is not part of the text.
 *
 * @returns undefined when the bytes are neither.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe
    ? "utf-16le"
    : bytes[0] === 0xfe && bytes[1] === 0xff
    ? "utf-16be"
    : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
