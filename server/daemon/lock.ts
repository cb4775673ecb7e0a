/**
 * Locks of the kernel's: held as long as the process lives, freed whatever kills it, not inherited by
 * children. The lock file is never deleted: a second process could lock a new file of the same name.
 *
 * @module
 */

/** A lock that this process holds, until disposed or until the process ends. */
export interface HeldLock extends Disposable {
  readonly path: string;
  /** Whether the file at the path is still the one that is locked, and not deleted or replaced. */
  isInPlace(): boolean;
}

/**
 * Takes the lock if nobody has it; never waits.
 *
 * @param path The lock file, created with mode 0600 when missing.
 * @returns undefined when another process holds it.
 */
export function tryLock(path: string): HeldLock | undefined {
  const file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  try {
    if (file.tryLockSync(true)) {
      return { path, isInPlace: () => isAt(file, path), [Symbol.dispose]: () => file.close() };
    }
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

/**
 * Takes the lock, trying again for a moment: {@linkcode isLocked} of another process holds it too, for
 * microseconds, and must not decide an election.
 *
 * @param pause Waits between two attempts.
 */
export async function tryLockFirmly(
  path: string,
  pause: () => Promise<void>,
): Promise<HeldLock | undefined> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (attempt > 0) await pause();
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
  }
  return undefined;
}

function isAt(file: Deno.FsFile, path: string): boolean {
  const mine = file.statSync();
  try {
    const there = Deno.statSync(path);
    // Inodes are not known on every Windows file system; there an open file cannot be deleted.
    return mine.ino === there.ino && mine.dev === there.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a process (this one included) holds the lock. Creates nothing. */
export function isLocked(path: string): boolean {
  let file: Deno.FsFile;
  try {
    // Not for writing: a look must also work where nothing can be written.
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    // Shared: any number of askers at once do not take each other for the holder.
    return !file.tryLockSync(false);
  } finally {
    file.close();
  }
}
