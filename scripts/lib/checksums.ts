/**
 * `checksums.txt`: SHA-256 and name, a line a file, as `sha256sum --check` reads it.
 *
 * @module
 */

import { basename } from "@std/path";

/** SHA-256, 64 lower-case hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The text for these files, by name. */
export async function checksums(paths: readonly string[]): Promise<string> {
  const sorted = [...paths].sort((a, b) => basename(a) < basename(b) ? -1 : 1);
  let text = "";
  for (const path of sorted) {
    text += `${await sha256(await Deno.readFile(path))}  ${basename(path)}\n`;
  }
  return text;
}
