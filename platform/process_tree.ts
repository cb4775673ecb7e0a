/**
 * What a process uses together with everything it started: memory, processor time, how many they are.
 *
 * To a tree belong the descendants of a process, and whatever is in its process group: a grandchild
 * whose parent has ended is still found there. One that left the group as well is not. Memory is the sum
 * of what each process has resident: what several share counts several times, as in `top`. Processor
 * time is that of the processes that live; on Linux also that of those they started and waited for.
 *
 * Linux and macOS; elsewhere nothing is known.
 *
 * @module
 */

/** What a tree uses. */
export interface TreeUsage {
  /** Resident memory, bytes. */
  rssBytes: number;
  /** Processor time so far, seconds. */
  cpuSeconds: number;
  processes: number;
}

/** One process. */
export interface ProcessFacts {
  pid: number;
  parent: number;
  group: number;
  rssBytes: number;
  cpuSeconds: number;
}

/**
 * Measures the trees of several processes at once, with one look at all processes.
 *
 * @param pids Their roots.
 * @returns by root; a process that does not live is not in it. Undefined where this system does not tell.
 */
export async function measureTrees(
  pids: readonly number[],
  os: typeof Deno.build.os = Deno.build.os,
): Promise<Map<number, TreeUsage> | undefined> {
  if (pids.length === 0) return new Map();
  switch (os) {
    case "linux":
    case "android":
      return sumTrees(pids, await fromProc());
    case "darwin":
      return sumTrees(pids, parsePs(await ps()));
    default:
      return undefined;
  }
}

/** The usage of each tree. A process that belongs to two roots counts for both. */
export function sumTrees(
  roots: readonly number[],
  processes: readonly ProcessFacts[],
): Map<number, TreeUsage> {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const byParent = Map.groupBy(processes, ({ parent }) => parent);
  const byGroup = Map.groupBy(processes, ({ group }) => group);
  const usages = new Map<number, TreeUsage>();
  for (const root of roots) {
    const first = byPid.get(root);
    if (first === undefined) continue;
    const members = new Set([first]);
    // Only a group that the root leads is its own; the daemon's is everybody's.
    if (first.group === root) {
      for (const process of byGroup.get(root) ?? []) members.add(process);
    }
    // A set grows while it is walked: descendants of what was just added come as well.
    for (const { pid } of members) {
      for (const child of byParent.get(pid) ?? []) members.add(child);
    }
    const usage = { rssBytes: 0, cpuSeconds: 0, processes: members.size };
    for (const { rssBytes, cpuSeconds } of members) {
      usage.rssBytes += rssBytes;
      usage.cpuSeconds += cpuSeconds;
    }
    usages.set(root, usage);
  }
  return usages;
}

/** What a clock tick of `/proc` is: `USER_HZ`, 100 on every architecture Deno runs on. */
const TICKS_PER_SECOND = 100;

async function fromProc(): Promise<ProcessFacts[]> {
  const processes: ProcessFacts[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parseProcStat(await Deno.readTextFile(`/proc/${name}/stat`));
      if (stat === undefined) continue;
      const rssBytes = residentBytes(await Deno.readTextFile(`/proc/${name}/status`));
      processes.push({ pid: Number(name), rssBytes, ...stat });
    } catch {
      // It ended between the listing and the look, or is hidden from us (hidepid).
    }
  }
  return processes;
}

/** Parent, group and processor time of a `/proc/PID/stat`; undefined for a zombie. */
export function parseProcStat(
  text: string,
): Pick<ProcessFacts, "parent" | "group" | "cpuSeconds"> | undefined {
  // Field 2 is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group] = fields;
  if (state === "Z" || state === "X") return undefined;
  // utime, stime, cutime, cstime: fields 14 to 17.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(parent), group: Number(group), cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** `VmRSS` of a `/proc/PID/status`: in kB, whatever the size of a page is. 0 for a kernel thread. */
function residentBytes(status: string): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function ps(): Promise<string> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-axo", "pid=,ppid=,pgid=,stat=,rss=,time="],
    env: { LC_ALL: "C" },
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/** The output of `ps -axo pid=,ppid=,pgid=,stat=,rss=,time=`; zombies are left out. */
export function parsePs(text: string): ProcessFacts[] {
  return text.split("\n").flatMap((line) => {
    const [pid, parent, group, state, rss, time] = line.trim().split(/\s+/);
    if (time === undefined || state.startsWith("Z")) return [];
    return [{
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      // In units of 1024 bytes.
      rssBytes: Number(rss) * 1024,
      cpuSeconds: secondsOf(time),
    }];
  });
}

/** `[[days-]hours:]minutes:seconds[.hundredths]` of `ps`; with a decimal comma in some regions. */
function secondsOf(time: string): number {
  const [days, rest] = time.includes("-") ? time.split("-") : ["0", time];
  return rest.replace(",", ".").split(":").reduce(
    (sum, part) => sum * 60 + Number(part),
    0,
  ) + Number(days) * 86_400;
}
