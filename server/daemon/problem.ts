/**
 * What is wrong and what a person can do about it. The message is the whole story: action, value at
 * fault, next step. It is printed without a stack.
 */
export class DaemonProblem extends Error {
  override name = "DaemonProblem";
}

/** A start that another daemon was faster at: the lock is held. */
export class ElectionLost extends Error {
  override name = "ElectionLost";
}

/** Exit code of a daemon process that lost the election (`EX_TEMPFAIL` of sysexits.h). */
export const ELECTION_LOST_EXIT = 75;

/** What a person can do about a failure of the file system, by the system's code for it. */
const FILE_SYSTEM_REMEDIES: Readonly<Record<string, string>> = {
  EACCES:
    "Everything in the home of aichaku must belong to you; a command run with sudo may have " +
    "left files of another user there.",
  EPERM: "Everything in the home of aichaku must belong to you.",
  EROFS: "Set AICHAKU_HOME to a folder that can be written to.",
  ENOSPC: "Make room on that disk, or set AICHAKU_HOME to a folder on another one.",
  EDQUOT: "Make room on that disk, or set AICHAKU_HOME to a folder on another one.",
  EISDIR: "A folder stands where a file belongs: move it away.",
  ENOTDIR: "A file stands where a folder belongs: move it away.",
  EEXIST: "A file stands where a folder belongs: move it away.",
  ELOOP: "A symbolic link there leads to itself: remove it.",
};

/**
 * A failure of the file system, told to a person.
 *
 * @param error Anything that was thrown.
 * @param action What failed, as the beginning of the sentence: `Cannot …`.
 * @returns undefined when it is something else, or has been told already.
 */
export function fileSystemProblem(error: unknown, action: string): DaemonProblem | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const remedy = FILE_SYSTEM_REMEDIES[String(error.code)];
  if (remedy === undefined) return undefined;
  return new DaemonProblem(`${action}: ${error.message}. ${remedy}`, { cause: error });
}
