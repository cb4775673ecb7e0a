/**
 * Replacing a file so that every reader sees the old text or the new one, never a part.
 *
 * Does not survive a power failure: the text may then be missing or empty, and readers must cope.
 *
 * @module
 */

/** Options of {@linkcode replaceFile}. */
export interface ReplaceFileOptions {
  /** Permissions of the new file. Default 0600. */
  mode?: number;
}

/** Writes `text` to a new file beside `path` and renames it over `path`. */
export function replaceFile(path: string, text: string, options: ReplaceFileOptions = {}): void {
  const temporary = temporaryPath(path);
  try {
    Deno.writeTextFileSync(temporary, text, { createNew: true, mode: options.mode ?? 0o600 });
    Deno.renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** The same without holding up anything else; for texts that nobody waits for. */
export async function replaceFileLater(
  path: string,
  text: string,
  options: ReplaceFileOptions = {},
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await Deno.writeTextFile(temporary, text, { createNew: true, mode: options.mode ?? 0o600 });
    await Deno.rename(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** The process id keeps two writers apart; the random part two runs with one id (containers). */
function temporaryPath(path: string): string {
  return `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}.tmp`;
}

/** Removes a file; one that is not there is fine. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Text of a file, or undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
