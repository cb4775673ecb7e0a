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
