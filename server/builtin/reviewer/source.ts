/**
 * Bytes of a file as the text that is reviewed, or the reason why they cannot be.
 *
 * @module
 */

/** Largest file that is reviewed, bytes. */
export const MAX_FILE_BYTES = 2 * 1024 * 1024;

/** The text, or why there is none. */
export type Source = { text: string } | { skipped: string };

/** Decodes UTF-8; a byte order mark is dropped. */
export function decodeSource(bytes: Uint8Array): Source {
  if (bytes.length > MAX_FILE_BYTES) return { skipped: TOO_LARGE };
  if (bytes.includes(0)) return { skipped: BINARY };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { skipped: "not UTF-8 text" };
    throw error;
  }
}

/** The same checks for text that came as text. */
export function checkSource(content: string): Source {
  // At most three bytes a unit, so that most texts need not be encoded to be measured.
  if (content.length * 3 > MAX_FILE_BYTES) {
    const size = new TextEncoder().encode(content).length;
    if (size > MAX_FILE_BYTES) return { skipped: TOO_LARGE };
  }
  if (content.includes("\0")) return { skipped: BINARY };
  return { text: content.startsWith("\ufeff") ? content.slice(1) : content };
}

const BINARY = "a binary file (it has a NUL byte)";

/** Why a file is not reviewed that has more than {@linkcode MAX_FILE_BYTES}. */
export const TOO_LARGE = `too large: more than ${MAX_FILE_BYTES} bytes`;
