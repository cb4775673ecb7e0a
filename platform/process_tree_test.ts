import { deepEqual, equal, ok } from "node:assert/strict";
import { eventually } from "../tests/e2e/support/within.ts";
import { measureTrees, parseProcStat, parsePs, sumTrees } from "./process_tree.ts";
import { signalGroup } from "./process_group.ts";

/** A process that uses its id in bytes and a second. */
function process(pid: number, parent: number, group: number) {
  return { pid, parent, group, rssBytes: pid, cpuSeconds: 1 };
}

Deno.test("to a tree belong all descendants, and the group of its root", () => {
  const processes = [
    process(1, 0, 1),
    process(10, 1, 10),
    process(11, 10, 10),
    process(12, 11, 12),
    process(13, 12, 12),
    process(14, 1, 10), // Its parent has ended; it is still in the group.
    process(15, 14, 15),
    process(20, 1, 20),
  ];
  const usages = sumTrees([10, 20, 12, 99], processes);
  deepEqual(Object.fromEntries(usages), {
    10: { rssBytes: 10 + 11 + 12 + 13 + 14 + 15, cpuSeconds: 6, processes: 6 },
    20: { rssBytes: 20, cpuSeconds: 1, processes: 1 },
    12: { rssBytes: 25, cpuSeconds: 2, processes: 2 },
  });
});

Deno.test("a root that leads no group has no share in the group it is in", () => {
  const usages = sumTrees([5], [process(4, 1, 4), process(5, 4, 4), process(6, 5, 4)]);
  deepEqual(usages.get(5), { rssBytes: 11, cpuSeconds: 2, processes: 2 });
});

Deno.test("Linux: parent, group and time, whatever the program calls itself", () => {
  const rest = "1 9 2 0 -1 4194560 1 0 0 0 250 50 30 20 20 0 9 0 812345 99 88\n";
  const expected = { parent: 1, group: 9, cpuSeconds: 3.5 };
  deepEqual(parseProcStat(`77 (deno) S ${rest}`), expected);
  deepEqual(parseProcStat(`77 (a) S 5 (b) ) R ${rest}`), expected);
  equal(parseProcStat(`77 (deno) Z ${rest}`), undefined);
});

Deno.test("macOS: what ps prints", () => {
  deepEqual(
    parsePs(
      "    1     0     1 Ss    12345   1:02.50\n" +
        "  501     1   501 S+     2048 123:00.25\n" +
        "  502   501   501 Z         0   0:00.00\n" +
        "99999   501   501 R         1   2-01:00:01,5\n\n",
    ),
    [
      { pid: 1, parent: 0, group: 1, rssBytes: 12345 * 1024, cpuSeconds: 62.5 },
      { pid: 501, parent: 1, group: 501, rssBytes: 2048 * 1024, cpuSeconds: 7380.25 },
      { pid: 99999, parent: 501, group: 501, rssBytes: 1024, cpuSeconds: 176401.5 },
    ],
  );
});

Deno.test("where a system does not tell, nothing is known; of nothing, everything", async () => {
  equal(await measureTrees([1], "windows"), undefined);
  deepEqual(await measureTrees([], "windows"), new Map());
});

const ignore = Deno.build.os === "windows";

Deno.test({ name: "what a child has started counts with it", ignore }, async () => {
  const child = new Deno.Command("sh", {
    // The shell in the middle ends: only the group still tells whose the sleeper is.
    args: ["-c", "sh -c 'sleep 60 & sleep 60 &' ; echo ready; exec sleep 60"],
    stdout: "piped",
    detached: true,
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    await reader.read();
    // The last `exec` of three may still be under way.
    const usage = await eventually(async () => {
      const found = (await measureTrees([child.pid, Deno.pid]))?.get(child.pid);
      return found?.processes === 3 ? found : undefined;
    }, "three processes");
    ok(usage.rssBytes > 100_000, `${usage.rssBytes} bytes`);
    ok(usage.cpuSeconds >= 0);
    const own = (await measureTrees([Deno.pid]))?.get(Deno.pid);
    ok(own !== undefined && own.processes >= 2 && own.rssBytes > 20_000_000);
    ok(own.cpuSeconds > 0);
    signalGroup(child.pid, "SIGKILL");
    await child.status;
    await reader.cancel();
    equal((await measureTrees([child.pid]))?.size, 0);
  } finally {
    signalGroup(child.pid, "SIGKILL");
  }
});
