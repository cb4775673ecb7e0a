/**
 * A folder that only its owner can read or change: the gate before the token, the locks and the socket.
 *
 * Guarantees, on Unix, that the folder is a real folder (not a link), belongs to the user who runs this
 * process and grants nothing to group and others. On Windows the profile folder's access list is
 * trusted and nothing is checked. A folder that was open and is closed later is not detected: whoever
 * could enter may hold a file open.
 *
 * @module
 */

/** The folder is not private; the message says why and what to do. */
export class FolderNotPrivate extends Error {
  override name = "FolderNotPrivate";
}

/** Makes the folder and its parents, mode 0700, where they are missing; then checks it. */
export function ensurePrivateFolder(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  assertPrivateFolder(path);
}

/**
 * Checks a folder without changing anything.
 *
 * @throws {FolderNotPrivate} when somebody else could read or replace what is in it.
 * @throws {Deno.errors.NotFound} when it does not exist.
 */
export function assertPrivateFolder(path: string): void {
  const info = Deno.lstatSync(path);
  const problem = privacyProblem(info, Deno.uid());
  if (problem !== undefined) {
    throw new FolderNotPrivate(`The folder ${path} is not safe to use: ${problem(path)}`);
  }
}

/**
 * What is wrong with a folder, as a function of its path; undefined when nothing is.
 *
 * @param uid Id of the user who runs this; null on systems without one, where nothing is checked.
 */
export function privacyProblem(
  info: Pick<Deno.FileInfo, "isDirectory" | "isSymlink" | "uid" | "mode">,
  uid: number | null,
): ((path: string) => string) | undefined {
  if (info.isSymlink) return () => "it is a symbolic link. Replace it by a folder.";
  if (!info.isDirectory) return () => "it is not a folder. Move it away.";
  if (uid === null) return undefined;
  if (info.uid !== uid) {
    return () =>
      `it belongs to user ${info.uid}, and this is user ${uid}. Use a folder of your own.`;
  }
  const mode = (info.mode ?? 0) & 0o777;
  if ((mode & 0o077) !== 0) {
    const octal = mode.toString(8).padStart(4, "0");
    return (path) =>
      `its mode is ${octal}, so that other users can enter. Run: chmod 700 '${path}'`;
  }
  return undefined;
}
