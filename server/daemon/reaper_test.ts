import assert from "node:assert/strict";
import { INSTANCE_MARK, processesMarked } from "../../platform/marked_processes.ts";
import { processStartTime } from "../../platform/process.ts";
import { createLogger } from "./log.ts";
import { startReaper } from "./reaper.ts";

const onUnix = Deno.build.os !== "windows";
const log = createLogger({ write() {} });

/** Ignores what can be ignored, like a server that does not want to end. */
const STUBBORN = "trap '' TERM HUP INT; echo ready; while :; do sleep 60; done";

async function stubborn(env: Record<string, string>): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("sh", {
    args: ["-c", STUBBORN],
    env,
    stdout: "piped",
    detached: true,
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return child;
}

Deno.test({
  name: "when the pipe ends, recorded groups and marked processes are ended, others are not",
  ignore: !onUnix,
  async fn() {
    const instanceId = crypto.randomUUID();
    const recorded = await stubborn({});
    const forgotten = await stubborn({});
    const bystander = await stubborn({});
    const marked = await stubborn({ [INSTANCE_MARK]: instanceId });
    const reaper = startReaper({ instanceId, log })!;
    reaper.add(recorded.pid);
    reaper.add(forgotten.pid);
    reaper.remove(forgotten.pid);
    await reaper.close();
    await reaper.ended;
    assert.equal((await recorded.status).signal, "SIGKILL");
    if (Deno.build.os === "linux") {
      assert.equal((await marked.status).signal, "SIGKILL");
      assert.deepEqual(processesMarked(instanceId), []);
    } else {
      Deno.kill(-marked.pid, "SIGKILL");
      await marked.status;
    }
    for (const other of [forgotten, bystander]) {
      assert.notEqual(processStartTime(other.pid), null, "somebody else's process was ended");
      Deno.kill(-other.pid, "SIGKILL");
      await other.status;
    }
  },
});
