/**
 * Processes by a mark in their environment, which they inherit however far they strayed from their
 * parent: another group, another session, a dead parent. Linux only; elsewhere nothing is found.
 *
 * @module
 */

/** Name of the environment variable that marks every process started for a daemon. */
export const INSTANCE_MARK = "AICHAKU_INSTANCE";

/** Ids of the living processes that carry `NAME=value` in the environment they were started with. */
export function processesMarked(value: string, os = Deno.build.os): number[] {
  if (os !== "linux") return [];
  const mark = `\0${INSTANCE_MARK}=${value}\0`;
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (`\0${environmentOf(name)}`.includes(mark)) found.push(Number(name));
  }
  return found;
}

function environmentOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`);
  } catch {
    // Another user's, or gone by now: not ours to end in either case.
    return "";
  }
}
