/**
 * Signals to a child and everything it started. On Unix a child started with `detached: true` leads a
 * process group of its own; Windows has no such thing, there only the process itself is ended.
 *
 * @module
 */

/**
 * Sends `signal` to the group led by `pid`. A group that is gone already, or that became another user's
 * (`sudo` in a configured command), is not an error: there is nothing more that can be done here, and
 * the caller waits for the end of the process in any case.
 */
export function signalGroup(
  pid: number,
  signal: "SIGTERM" | "SIGKILL",
  os: typeof Deno.build.os = Deno.build.os,
): void {
  try {
    if (os === "windows") Deno.kill(pid, "SIGKILL");
    else Deno.kill(-pid, signal);
  } catch (error) {
    // Gone is what was wanted. Deno reports ESRCH as NotFound, or as TypeError on Windows.
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return;
    // EPERM; macOS also reports it for a group of which only zombies are left.
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
}
