/**
 * When a process started, which tells it from a later one with the same id. Process ids only inform;
 * the one place that acts on one (`--stop-server --force`) asks here first.
 *
 * @module
 */

/** How the system is asked; replaced in tests. */
export interface ProcessSystem {
  os: typeof Deno.build.os;
  /** Standard output of a program; undefined when it fails, or is not there. */
  output(command: string, args: string[]): string | undefined;
}

const realSystem: ProcessSystem = { os: Deno.build.os, output: outputOf };

/**
 * Start time of a living process, as its system counts: clock ticks since boot on Linux (field 22 of
 * `/proc/PID/stat`), seconds since 1970 on macOS, milliseconds on Windows. Only equality means anything.
 *
 * @returns null when there is no such process, when it is dead and merely not yet reaped, or when the
 * system does not tell.
 */
export function processStartTime(pid: number, system: ProcessSystem = realSystem): number | null {
  switch (system.os) {
    case "linux":
    case "android":
      return fromProc(pid);
    case "windows":
      return fromPowershell(pid, system);
    default:
      return fromPs(pid, system);
  }
}

function fromProc(pid: number): number | null {
  try {
    return parseProcStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    // No such process, one that died between open and read (ESRCH), or one that is hidden from us
    // (hidepid): in each case nothing is known about it.
    return null;
  }
}

/** Field 22 of a `/proc/PID/stat`; null for a process that is dead. */
export function parseProcStat(text: string): number | null {
  // Field 2 is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  const state = fields[0];
  const startTime = Number(fields[19]);
  // The first thread of a process becomes a zombie while others still hold its files, locks and port.
  const threads = Number(fields[17]);
  if (state === "X" || (state === "Z" && !(threads > 1))) return null;
  return Number.isSafeInteger(startTime) && startTime > 0 ? startTime : null;
}

function fromPs(pid: number, { output }: ProcessSystem): number | null {
  const text = output("ps", ["-o", "stat=,lstart=", "-p", String(pid)]);
  return text === undefined ? null : parsePs(text);
}

/** `Ss   Thu Mar  5 10:11:12 2026` in seconds since 1970, local time; null for a zombie. */
export function parsePs(text: string): number | null {
  const match = /^\s*(\S+)\s+(\S.*\S)\s*$/.exec(text);
  if (match === null || match[1].startsWith("Z")) return null;
  const time = Date.parse(match[2]);
  return Number.isNaN(time) ? null : Math.floor(time / 1000);
}

function fromPowershell(pid: number, { output }: ProcessSystem): number | null {
  const text = output("powershell.exe", [
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    `([DateTimeOffset](Get-Process -Id ${pid} -ErrorAction Stop).StartTime).ToUnixTimeMilliseconds()`,
  ]);
  const time = Number(text?.trim());
  return text !== undefined && Number.isSafeInteger(time) && time > 0 ? time : null;
}

function outputOf(command: string, args: string[]): string | undefined {
  try {
    const { success, stdout } = new Deno.Command(command, {
      args,
      env: { LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // No such program here.
    throw error;
  }
}
