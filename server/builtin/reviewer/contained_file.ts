/**
 * Reads a file that a client named, if it is really inside one of the allowed folders: symbolic links
 * are followed first, and what counts is where they lead.
 *
 * Not guaranteed: that a folder on the way is not replaced by a link between the check and the opening.
 * Whoever can do that on this machine can read the file anyway.
 *
 * @module
 */

import { realpath } from "node:fs/promises";
import { isAbsolute, relative } from "@std/path";
import { NotReadable, readRegularFile } from "./regular_file.ts";
import { MAX_FILE_BYTES } from "./source.ts";

/**
 * The bytes of a file, at most one more than {@linkcode MAX_FILE_BYTES}.
 *
 * @param path Absolute.
 * @param roots Absolute folders.
 * @throws {NotReadable}
 */
export async function readContainedFile(
  path: string,
  roots: readonly string[],
): Promise<Uint8Array> {
  if (!isAbsolute(path)) {
    throw new NotReadable(path, "the path is relative; give an absolute one, or give the content");
  }
  const real = await realpath(path).catch((error) => {
    throw NotReadable.because(path, error);
  });
  if (!await isInside(real, roots)) {
    throw new NotReadable(
      path,
      "it is outside the folders this server may read; give the content instead",
    );
  }
  return await readRegularFile(real, {
    limit: MAX_FILE_BYTES + 1,
    followLink: false,
    shownAs: path,
  });
}

/**
 * Whether a real path is in one of the folders, compared by their real paths.
 *
 * @param options `orSame`: whether it may be the folder itself. Default false.
 */
export async function isInside(
  real: string,
  roots: readonly string[],
  { orSame = false }: { orSame?: boolean } = {},
): Promise<boolean> {
  for (const root of roots) {
    if (!isAbsolute(root)) continue;
    let realRoot: string;
    try {
      realRoot = await realpath(root);
    } catch {
      continue; // A folder that is not there holds nothing.
    }
    const inside = relative(realRoot, real);
    if (inside === "" && orSame) return true;
    if (inside !== "" && inside !== ".." && !/^\.\.[/\\]/.test(inside) && !isAbsolute(inside)) {
      return true;
    }
  }
  return false;
}
