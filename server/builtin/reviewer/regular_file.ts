/**
 * Reads regular files only, so that a pipe or a device cannot stall the reader.
 *
 * @module
 */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** The file is not to be read. */
export class NotReadable extends Error {
  override name = "NotReadable";
  /** Why, without the path. */
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`Cannot read ${JSON.stringify(path)}: ${reason}.`, options);
    this.reason = reason;
  }

  /** What the system said, in our words. */
  static because(path: string, error: unknown): NotReadable {
    const code = (error as { code?: unknown }).code;
    const known = typeof code === "string" ? SYSTEM_REASONS[code] : undefined;
    const reason = known ?? (error instanceof Error ? error.message : String(error));
    return new NotReadable(path, reason, { cause: error });
  }
}

const SYSTEM_REASONS: Record<string, string> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EACCES: "permission was denied",
  EPERM: "permission was denied",
  EISDIR: "it is a folder; name its files",
  ELOOP: "its symbolic links lead nowhere",
  ENAMETOOLONG: "the path is too long",
  // What opening a Unix socket gives.
  ENXIO: "it is not a regular file",
};

/** Options of {@linkcode readRegularFile}. */
export interface ReadOptions {
  /** Most bytes that are read. */
  limit: number;
  /** Whether the last part of the path may be a symbolic link. Default true. */
  followLink?: boolean;
  /** The path as the user knows it, for messages. Default the path. */
  shownAs?: string;
}

/**
 * The first bytes of a file.
 *
 * @throws {NotReadable}
 */
export async function readRegularFile(
  path: string,
  { limit, followLink = true, shownAs = path }: ReadOptions,
): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe waits for a writer. Neither flag exists on Windows.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) |
      (followLink ? 0 : constants.O_NOFOLLOW ?? 0);
    file = await open(path, flags);
    const facts = await file.stat();
    if (facts.isDirectory()) throw new NotReadable(shownAs, SYSTEM_REASONS.EISDIR);
    if (!facts.isFile()) throw new NotReadable(shownAs, "it is not a regular file");
    return await readUpTo(file, Math.min(limit, facts.size + 1));
  } catch (error) {
    throw error instanceof NotReadable ? error : NotReadable.because(shownAs, error);
  } finally {
    await file?.close();
  }
}

async function readUpTo(file: FileHandle, limit: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(limit);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
