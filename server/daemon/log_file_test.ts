import { deepEqual, equal, throws } from "node:assert/strict";
import { join } from "@std/path";
import { LogFile } from "./log_file.ts";

async function inFolder(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(join(folder, "mcp-http-server.log"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function files(path: string): Record<string, string> {
  const folder = join(path, "..");
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(join(folder, name))]));
}

Deno.test("lines are appended to what is there, readable by the owner alone", () =>
  inFolder((path) => {
    {
      using log = new LogFile({ path });
      log.write("one");
    }
    using log = new LogFile({ path });
    log.write("two");
    equal(Deno.readTextFileSync(path), "one\ntwo\n");
    if (Deno.build.os !== "windows") equal(Deno.statSync(path).mode! & 0o777, 0o600);
  }));

Deno.test("a full file moves down and the oldest is dropped: the bound holds, no line is cut", () =>
  inFolder((path) => {
    using log = new LogFile({ path, maxBytes: 8, keep: 3 });
    for (let i = 0; i < 10; i++) log.write(`l-${i}`);
    deepEqual(files(path), {
      "mcp-http-server.log": "l-8\nl-9\n",
      "mcp-http-server.log.1": "l-6\nl-7\n",
      "mcp-http-server.log.2": "l-4\nl-5\n",
    });
  }));

Deno.test("another writer with the same file open (a crash's stack) is not lost by a rotation", () =>
  inFolder((path) => {
    using stderr = Deno.openSync(path, { create: true, append: true });
    using log = new LogFile({ path, maxBytes: 8, keep: 2 });
    log.write("1234567");
    log.write("new");
    stderr.writeSync(new TextEncoder().encode("crash\n"));
    equal(Deno.readTextFileSync(path), "new\ncrash\n");
  }));

Deno.test("a line longer than the bound is written whole", () =>
  inFolder((path) => {
    using log = new LogFile({ path, maxBytes: 4, keep: 2 });
    log.write("123456789");
    equal(Deno.readTextFileSync(path), "123456789\n");
  }));

Deno.test("a disk that was full is used again once there is room", () =>
  inFolder((path) => {
    using log = new LogFile({ path: join(path, "missing", "log") });
    throws(() => log.write("lost"), Deno.errors.NotFound);
    Deno.mkdirSync(join(path, "missing"), { recursive: true });
    log.write("kept");
    equal(Deno.readTextFileSync(join(path, "missing", "log")), "kept\n");
  }));
