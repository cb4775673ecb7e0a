/**
 * Rewriting a configuration file that other programs and people write, too.
 *
 * Guarantees: readers see the old file or the new one, never a part. What was there before stays in a
 * backup beside it. Mode, encoding and byte order mark are kept, and of a symbolic link the file it
 * leads to is written. Two of these programs at once lose nothing of each other's: on Unix they take
 * turns by a lock. What an editor writes, which knows no such lock, is taken over until the last look at
 * the file; what it writes in the microseconds between that and the rename is lost. Owner, access lists
 * and hard links are not kept.
 *
 * @module
 */

import { dirname } from "@std/path";
import { removeIfThere } from "../../platform/atomic_file.ts";
import { ConfigError } from "../../server/config/load.ts";
import { decodeText, encodeLike } from "../../server/config/text.ts";

/** Options of {@linkcode rewriteFile}. */
export interface RewriteOptions {
  /** Path of the file, absolute. One that does not exist is made, with mode 0600. */
  file: string;
  /**
   * The new text for a text; the empty one when there is no file. It is called again when the file was
   * changed meanwhile. What it throws ends the rewriting, with nothing written.
   */
  edit(text: string): Promise<string>;
  /** Called when all is prepared, right before the last look at the file. For tests. */
  beforeLook?(): void;
  /** Waits between two attempts. Default 10 to 30 milliseconds. */
  pause?(): Promise<void>;
}

/** What was done. */
export interface Rewritten {
  outcome: "created" | "changed" | "unchanged";
  /** Path of the backup; undefined when there was nothing to keep. */
  backup: string | undefined;
}

/** A file that is rewritten all the time by something else is given up after so many attempts. */
const ATTEMPTS = 20;

/** A file as it was read. */
interface Before {
  /** Where it is, without symbolic links. */
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
  text: string;
  mode: number | null;
}

/**
 * Rewrites a file.
 *
 * @throws {ConfigError} When it is no text file, may not be written, or does not stay the same for long
 * enough.
 */
export async function rewriteFile(options: RewriteOptions): Promise<Rewritten> {
  const { file, edit, pause = pauseABit } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await pause();
    const before = read(file);
    const text = await edit(before?.text ?? "");
    if (before === undefined) {
      options.beforeLook?.();
      if (create(file, text)) return { outcome: "created", backup: undefined };
    } else {
      if (text === before.text) return { outcome: "unchanged", backup: undefined };
      const backup = `${file}.bak`;
      if (replace(before, text, { backup, beforeLook: options.beforeLook })) {
        return { outcome: "changed", backup };
      }
    }
  }
  throw new ConfigError([
    `${file}: Something else changes or locks this file all the time: close the programs that have it ` +
    "open, and run the command again. Nothing was written.",
  ]);
}

function read(file: string): Before | undefined {
  let path: string;
  try {
    path = Deno.realPathSync(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (!isLink(file)) return undefined;
    throw new ConfigError([
      `${file}: This symbolic link leads to nothing: make the file it leads to, or remove the link.`,
    ], { cause: error });
  }
  const info = Deno.statSync(path);
  if (!info.isFile) {
    throw new ConfigError([
      `${file}: This is not a file, so it cannot be changed: correct the path.`,
    ]);
  }
  // A rename would do it all the same, against the will of whoever took the permission away.
  if (info.mode !== null && (info.mode & 0o222) === 0) {
    throw new ConfigError([
      `${file}: The file is read-only, so it is not changed: make it writable, or change it where it ` +
      "is generated.",
    ]);
  }
  const bytes = Deno.readFileSync(path);
  const text = decodeText(bytes);
  if (text === undefined) {
    throw new ConfigError([`${file}:1:1: The file is not UTF-8 text: save it as UTF-8.`]);
  }
  return { path, bytes, text, mode: info.mode };
}

function isLink(file: string): boolean {
  try {
    return Deno.lstatSync(file).isSymlink;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes the file, with its folder. @returns false when somebody else made one first. */
function create(file: string, text: string): boolean {
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = temporaryFor(file);
  try {
    // It may hold secrets.
    writeNew(temporary, new TextEncoder().encode(text), 0o600);
    // Unlike a rename, a link never takes the place of what is there.
    Deno.linkSync(temporary, file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  } finally {
    removeIfThere(temporary);
  }
}

/** Puts the new text in the place of the old. @returns false when that is not there any more. */
function replace(
  { path, bytes, mode }: Before,
  text: string,
  { backup, beforeLook }: { backup: string; beforeLook: (() => void) | undefined },
): boolean {
  const temporary = temporaryFor(path);
  try {
    using file = Deno.openSync(path, { read: true });
    // On Windows a locked file could not be read for the last look. Closing the file frees the lock.
    if (Deno.build.os !== "windows" && !file.tryLockSync(true)) return false;
    writeNew(temporary, encodeLike(text, bytes), mode);
    beforeLook?.();
    // The lock may be that of a file that was replaced before it was taken.
    const isInPlace = file.statSync().ino === Deno.statSync(path).ino;
    if (!isInPlace || !isSame(Deno.readFileSync(path), bytes)) return false;
    keep(backup, bytes, mode);
    Deno.renameSync(temporary, path);
    return true;
  } catch (error) {
    // Removed meanwhile.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  } finally {
    removeIfThere(temporary);
  }
}

function keep(backup: string, bytes: Uint8Array<ArrayBuffer>, mode: number | null): void {
  const temporary = temporaryFor(backup);
  try {
    writeNew(temporary, bytes, mode);
    Deno.renameSync(temporary, backup);
  } finally {
    removeIfThere(temporary);
  }
}

/** A name that nobody else uses, in the same folder. */
function temporaryFor(path: string): string {
  return `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}.tmp`;
}

/** Writes a file that must not exist, and waits until the disk has it. */
function writeNew(path: string, bytes: Uint8Array<ArrayBuffer>, mode: number | null): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
  // Not by the mode of the open: the umask would take from that.
  if (mode !== null) Deno.chmodSync(path, mode & 0o777);
  file.syncDataSync();
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function pauseABit(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10 + 20 * Math.random()));
}
