/**
 * Values of headers that say again what stands in a body. Source: MCP 2026-07-28,
 * basic/transports/streamable-http, "Value Encoding".
 *
 * @module
 */

const ENCODED = /^=\?base64\?(.*)\?=$/s;
/** Visible ASCII with spaces and tabs inside: what a header carries as it is. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
// A value may begin with U+FEFF, which a decoder would take for a mark of its own.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A value as a header carries it. */
export function writeHeaderValue(value: string): string {
  if (value === "" || (PLAIN.test(value) && !ENCODED.test(value))) return value;
  // Not `toBase64`, which Node 20 does not have.
  const bytes = Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte));
  return `=?base64?${btoa(bytes.join(""))}?=`;
}

/** The value that a header carries; undefined when it is encoded and cannot be read. */
export function readHeaderValue(written: string): string | undefined {
  const encoded = ENCODED.exec(written)?.[1];
  if (encoded === undefined) return written;
  // `atob` takes what the alphabet of base64 does not have, such as white space.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
    return undefined;
  }
  try {
    return strict.decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)));
  } catch (error) {
    if (error instanceof TypeError) return undefined; // Not UTF-8.
    throw error;
  }
}
