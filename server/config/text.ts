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
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A text as bytes in the encoding of other bytes, with a byte order mark where they have one. */
export function encodeLike(text: string, like: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoding = encodingOf(like);
  if (encoding === "utf-8") {
    const hasMark = like[0] === 0xef && like[1] === 0xbb && like[2] === 0xbf;
    return new TextEncoder().encode(hasMark ? "\uFEFF" + text : text);
  }
  const marked = "\uFEFF" + text;
  const view = new DataView(new ArrayBuffer(2 * marked.length));
  for (let i = 0; i < marked.length; i++) {
    view.setUint16(2 * i, marked.charCodeAt(i), encoding === "utf-16le");
  }
  return new Uint8Array(view.buffer);
}

function encodingOf(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return "utf-8";
}
