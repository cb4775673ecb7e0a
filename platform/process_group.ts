/**
 * Signals to a child and everything it started. On Unix a child started with `detached: true` leads a
 * process group of its own. Windows has neither groups nor a polite signal: there `taskkill` ends the
 * process and its descendants by force, as long as the process itself still lives; what it left behind
 * when it ended by itself is not found any more.
 *
 * @module
 */

/** `SIGHUP` is what a terminal sends that is closed; the other two ask and force. */
export type GroupSignal = "SIGHUP" | "SIGTERM" | "SIGKILL";

/** What does it; replaced in tests. */
export interface GroupSystem {
  os: typeof Deno.build.os;
  /** As `Deno.kill`. */
  kill(pid: number, signal: GroupSignal): void;
  /** Starts a program and does not wait for it. @throws {Deno.errors.NotFound} when there is none. */
  start(command: string, args: string[]): void;
}

const realSystem: GroupSystem = {
  os: Deno.build.os,
  kill: (pid, signal) => Deno.kill(pid, signal),
  start(command, args) {
    const child = new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    // The caller waits for the end of the process in any case; this one only says what it did.
    child.unref();
  },
};

/**
 * Sends `signal` to the group led by `pid`. A group that is gone already, or that became another user's
 * (`sudo` in a configured command), is not an error: there is nothing more that can be done here, and
 * the caller waits for the end of the process in any case.
 */
export function signalGroup(
  pid: number,
  signal: GroupSignal,
  system: GroupSystem = realSystem,
): void {
  try {
    if (system.os === "windows") endTree(pid, system);
    else system.kill(-pid, signal);
  } catch (error) {
    // Gone is what was wanted. Deno reports ESRCH as NotFound, or as TypeError on Windows.
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return;
    // EPERM; macOS also reports it for a group of which only zombies are left.
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
}

/** Whoever wanted to ask politely has closed its standard input before. */
function endTree(pid: number, { kill, start }: GroupSystem): void {
  try {
    // Not the process first: once it is gone, its children are not found.
    start("taskkill.exe", ["/PID", String(pid), "/T", "/F"]);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    kill(pid, "SIGKILL"); // A Windows without it; better the process alone than nothing.
  }
}
