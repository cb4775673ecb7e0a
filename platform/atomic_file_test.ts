import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { join } from "@std/path";
import { readIfThere, removeIfThere, replaceFile, replaceFileLater } from "./atomic_file.ts";

Deno.test("a replaced file has the new text, its mode, and leaves nothing beside it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "daemon.json");
    replaceFile(path, "one");
    replaceFile(path, "two");
    equal(readIfThere(path), "two");
    await replaceFileLater(path, "three");
    equal(readIfThere(path), "three");
    if (Deno.build.os !== "windows") equal(Deno.statSync(path).mode! & 0o777, 0o600);
    deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["daemon.json"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a write that fails leaves the old file and no rubbish", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "taken");
    Deno.mkdirSync(join(path, "full"), { recursive: true });
    throws(() => replaceFile(path, "text"));
    await rejects(replaceFileLater(path, "text"));
    deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["taken"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that is not there reads as undefined and is removed without complaint", () => {
  equal(readIfThere("/nonexistent/aichaku/file"), undefined);
  removeIfThere("/nonexistent/aichaku/file");
});
