import assert from "node:assert/strict";
import { cpuMs, processTree, ticksOf, usageOf } from "./machine.ts";

Deno.test("processor time is read behind the name of the program, whatever is in it", () => {
  const rest = "S 1 7 7 0 -1 4194560 100 200 3 4 17 25 900 800 20 0 1 0 123";
  assert.equal(ticksOf(`7 (deno) ${rest}`), 42);
  assert.equal(ticksOf(`7 (a ) b (c) ${rest}`), 42);
});

Deno.test({
  name: "a process counts with all that it started",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // Behind & a shell gives its child no standard input, so it is handed over.
    const shell = new Deno.Command("sh", {
      args: ["-c", "exec 3<&0; cat <&3 & echo there; wait"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = shell.stdout.getReader();
    await reader.read();
    const alone = await usageOf([shell.pid]);
    const tree = await processTree([shell.pid]);
    const both = await usageOf(tree);
    assert.equal(tree.length, 2);
    assert.equal(alone?.processes, 1);
    assert.equal(both?.processes, 2);
    assert.ok(both.residentMb > alone.residentMb);
    assert.ok(alone.anonymousMb > 0 && alone.anonymousMb < alone.residentMb);
    assert.equal(typeof await cpuMs([shell.pid]), "number");
    for (const pid of tree) Deno.kill(pid, "SIGKILL");
    await reader.cancel();
    await shell.stdin.close().catch(() => {}); // The other end is gone.
    await shell.status;
    assert.deepEqual(await usageOf([shell.pid]), {
      ...{ processes: 0, residentMb: 0, anonymousMb: 0, proportionalMb: 0 },
    });
  },
});
