/**
 * The reaper: a tiny shell that outlives the daemon by a moment and ends what the daemon started, even
 * when the daemon was killed. It holds one end of a pipe; whatever ends the daemon closes the other.
 *
 * Guarantees, where there is a `/bin/sh`: within two seconds of the daemon's end no process of its
 * groups lives, nor, on Linux, any process that carries its mark in the environment. Not guaranteed on
 * other systems: a grandchild that left its group. On Windows there is no reaper; the next start does
 * it (`reap.ts`).
 *
 * @module
 */

import { INSTANCE_MARK } from "../../platform/marked_processes.ts";
import type { Logger } from "./log.ts";

/** A running reaper. */
export interface Reaper {
  /** From now on the group led by `pid` is ended with the daemon. */
  add(pid: number): void;
  /** The group is gone. */
  remove(pid: number): void;
  /** The daemon ends properly: the reaper sweeps once and ends, too. */
  close(): Promise<void>;
  /** Resolves when the reaper itself has ended. */
  readonly ended: Promise<void>;
}

/**
 * What the reaper runs. `$1` is the mark. It reads `+ PGID` and `- PGID` until the pipe ends, then asks
 * politely, waits half a second (a whole one where `sleep` knows no fractions, as POSIX allows), and
 * kills, until two sweeps find nothing: what was just forked by something that was then killed shows no
 * environment until its program is loaded.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r what group; do
  case "$what" in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
marked() {
  [ -d /proc/self ] || return 0
  grep -las "$1" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
    [ "$pid" = "$$" ] || echo "$pid"
  done
}
end() {
  for group in $groups; do kill "-$1" "-$group" 2>/dev/null; done
  for pid in $(marked "$2"); do kill "-$1" "$pid" 2>/dev/null; done
}
[ -z "\${groups# }" ] && [ -z "$(marked "$1")" ] && exit 0
end TERM "$1"
sleep 0.5 2>/dev/null || sleep 1
quiet=0
for sweep in 1 2 3 4 5 6 7 8; do
  end KILL "$1"
  if [ -n "$(marked "$1")" ]; then quiet=0; else quiet=$((quiet + 1)); fi
  [ "$quiet" = 2 ] && exit 0
done
`;

/** Starts the reaper of this daemon; undefined where there is no shell. */
export function startReaper(
  { instanceId, log }: { instanceId: string; log: Logger },
): Reaper | undefined {
  if (Deno.build.os === "windows") return undefined;
  let shell: Deno.ChildProcess;
  try {
    shell = new Deno.Command("/bin/sh", {
      args: ["-c", SCRIPT, "aichaku-reaper", `${INSTANCE_MARK}=${instanceId}`],
      cwd: "/",
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin" },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // A session of its own: what ends the daemon's group does not end it.
      detached: true,
    }).spawn();
  } catch (error) {
    log.error("no reaper: children may outlive a killed daemon until the next start", { error });
    return undefined;
  }
  // It must not keep the daemon alive, and ends by itself.
  shell.unref();
  const writer = shell.stdin.getWriter();
  const encoder = new TextEncoder();
  const tell = (line: string) => {
    // A reaper that was killed by somebody cannot be told; the journal still knows.
    writer.write(encoder.encode(line)).catch(() => log.error("the reaper is gone"));
  };
  return {
    add: (pid) => tell(`+ ${pid}\n`),
    remove: (pid) => tell(`- ${pid}\n`),
    async close() {
      try {
        await writer.close();
      } catch {
        // Gone already.
      }
    },
    ended: shell.status.then(() => {}),
  };
}
