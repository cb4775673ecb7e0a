import assert from "node:assert/strict";
import { type GroupSystem, signalGroup } from "./process_group.ts";

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

/** A system that only writes down what it is told. */
function pretend(os: typeof Deno.build.os, given: Partial<GroupSystem> = {}) {
  const told: string[] = [];
  const system: GroupSystem = {
    os,
    kill: (pid, signal) => void told.push(`kill ${pid} ${signal}`),
    start: (command, args) => void told.push([command, ...args].join(" ")),
    ...given,
  };
  return { system, told };
}

Deno.test("Windows: the whole tree is ended by taskkill, whatever the signal", () => {
  const { system, told } = pretend("windows");
  signalGroup(12, "SIGTERM", system);
  signalGroup(12, "SIGKILL", system);
  assert.deepEqual(told, ["taskkill.exe /PID 12 /T /F", "taskkill.exe /PID 12 /T /F"]);
});

Deno.test("Windows: without taskkill the process alone is ended; one that is gone is no error", () => {
  const start = () => {
    throw new Deno.errors.NotFound("no taskkill");
  };
  const { system, told } = pretend("windows", { start });
  signalGroup(12, "SIGTERM", system);
  assert.deepEqual(told, ["kill 12 SIGKILL"]);
  const gone = () => {
    throw new TypeError("Child process has already terminated");
  };
  signalGroup(12, "SIGTERM", pretend("windows", { start, kill: gone }).system);
});

Deno.test("Unix: the group, and never a program in between", () => {
  const { system, told } = pretend("darwin");
  signalGroup(12, "SIGTERM", system);
  assert.deepEqual(told, ["kill -12 SIGTERM"]);
  const kill = () => {
    throw new Deno.errors.PermissionDenied("another user's");
  };
  signalGroup(12, "SIGKILL", pretend("linux", { kill }).system);
  const broken = () => {
    throw new Error("something else");
  };
  assert.throws(() => signalGroup(12, "SIGKILL", pretend("linux", { kill: broken }).system));
});
