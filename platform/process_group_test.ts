import assert from "node:assert/strict";
import { signalGroup } from "./process_group.ts";

const ignore = Deno.build.os === "windows";

Deno.test({ name: "a signal reaches everything a child has started", ignore }, async () => {
  const child = new Deno.Command("sh", {
    // Both hold our pipe: its end tells that both are gone.
    args: ["-c", "sleep 60 & echo ready; wait"],
    stdout: "piped",
    detached: true,
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  signalGroup(child.pid, "SIGTERM");
  assert.equal((await child.status).signal, "SIGTERM");
  assert.equal((await reader.read()).done, true);
});

Deno.test({ name: "a group that is gone is what was wanted", ignore }, async () => {
  const child = new Deno.Command("true", { detached: true }).spawn();
  await child.status;
  signalGroup(child.pid, "SIGKILL");
});
