import { equal, notEqual } from "node:assert/strict";
import { join } from "@std/path";
import { isLocked, tryLock, tryLockFirmly } from "./lock.ts";

async function inFolder(body: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "daemon.lock"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("only one holds the lock, and it is free again afterwards", () =>
  inFolder((path) => {
    equal(isLocked(path), false);
    {
      using lock = tryLock(path);
      notEqual(lock, undefined);
      equal(isLocked(path), true);
      equal(tryLock(path), undefined);
    }
    equal(isLocked(path), false);
    using again = tryLock(path);
    notEqual(again, undefined);
  }));

Deno.test("asking creates no file", () =>
  inFolder((path) => {
    equal(isLocked(path), false);
    let there = true;
    try {
      Deno.statSync(path);
    } catch {
      there = false; // NotFound, as it should be.
    }
    equal(there, false);
  }));

Deno.test("kill -9 of the holder frees the lock", () =>
  inFolder(async (path) => {
    const script = `const f = Deno.openSync(Deno.args[0], {create: true, read: true, write: true});
      f.tryLockSync(true); console.log("held"); setInterval(() => {}, 1e6);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=js", script, path],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    equal(isLocked(path), true);
    equal(tryLock(path), undefined);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    equal(isLocked(path), false);
  }));

Deno.test("someone who merely asks does not decide an election", () =>
  inFolder(async (path) => {
    const asker = Deno.openSync(path, { create: true, read: true, write: true });
    asker.tryLockSync(false);
    let pauses = 0;
    const pause = () => {
      if (++pauses === 2) asker.close();
      return Promise.resolve();
    };
    using lock = await tryLockFirmly(path, pause);
    notEqual(lock, undefined);
    equal(pauses, 2);
  }));

Deno.test("a real holder is respected after a bounded number of attempts", () =>
  inFolder(async (path) => {
    using _holder = tryLock(path);
    let pauses = 0;
    const pause = () => {
      pauses++;
      return Promise.resolve();
    };
    equal(await tryLockFirmly(path, pause), undefined);
    equal(pauses, 4);
  }));
