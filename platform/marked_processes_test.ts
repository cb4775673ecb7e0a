import assert from "node:assert/strict";
import { INSTANCE_MARK, processesMarked } from "./marked_processes.ts";

const onLinux = Deno.build.os === "linux";

Deno.test({
  name: "a process that left its group and lost its parent is found by its mark",
  ignore: !onLinux,
  async fn() {
    const value = crypto.randomUUID();
    // The shell ends at once; what it started has a session of its own.
    const shell = new Deno.Command("sh", {
      args: ["-c", "setsid sleep 60 & echo started"],
      env: { [INSTANCE_MARK]: value },
      stdout: "piped",
    }).spawn();
    const reader = shell.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await shell.status;
    const found = processesMarked(value);
    for (const pid of found) Deno.kill(pid, "SIGKILL");
    assert.equal(found.length, 1);
  },
});

Deno.test("a value that only begins alike is another's", { ignore: !onLinux }, async () => {
  const value = crypto.randomUUID();
  const child = new Deno.Command("sleep", { args: ["60"], env: { [INSTANCE_MARK]: `${value}0` } })
    .spawn();
  const found = processesMarked(value);
  child.kill("SIGKILL");
  await child.status;
  assert.deepEqual(found, []);
});
