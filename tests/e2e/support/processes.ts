/**
 * Looking at the processes of this machine, on Linux without any program's help.
 *
 * @module
 */

/** One process. */
interface Process {
  pid: number;
  parent: number;
  /** Its command line, the words parted by spaces. */
  command: string;
}

/** Process ids of the direct children of `pid`. */
export function childrenOf(pid: number): Promise<number[]> {
  return childrenRunning("", pid);
}

/** Those of them whose command line contains `part`. */
export async function childrenRunning(part: string, pid: number): Promise<number[]> {
  return (await processes())
    .filter(({ parent, command }) => parent === pid && command.includes(part))
    .map((child) => child.pid);
}

/** Whether a process with this id exists and is no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await processes()).some((process) => process.pid === pid);
}

/** Every process that is no zombie. */
function processes(): Promise<Process[]> {
  return Deno.build.os === "linux" ? fromProc() : fromPs();
}

async function fromProc(): Promise<Process[]> {
  const found: Process[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await Deno.readTextFile(`/proc/${name}/stat`);
      // The second field is the program's name in brackets, and may hold anything.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") continue;
      const words = await Deno.readTextFile(`/proc/${name}/cmdline`);
      const command = words.replaceAll("\0", " ");
      found.push({ pid: Number(name), parent: Number(parent), command });
    } catch {
      // It ended between the listing and the look.
    }
  }
  return found;
}

async function fromPs(): Promise<Process[]> {
  const ps = new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid=,stat=,args="] });
  const { stdout } = await ps.output();
  return new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [pid, parent, state, ...words] = line.trim().split(/\s+/);
    return pid === "" || state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), command: words.join(" ") }];
  });
}
