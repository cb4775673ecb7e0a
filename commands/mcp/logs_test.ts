import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "@std/path";
import { LogFile } from "../../server/daemon/log_file.ts";
import type { CommandContext } from "../context.ts";
import { LogReader, logs } from "./logs.ts";

async function inFolder(body: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "log"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a log that does not exist yet is followed from its first line", () =>
  inFolder((path) => {
    const reader = new LogReader(path);
    equal(reader.read(), undefined);
    Deno.writeTextFileSync(path, "one\n");
    deepEqual(reader.read(), ["one"]);
    deepEqual(reader.read(), []);
  }));

Deno.test("a line that is half written comes once it is whole, whatever its letters", () =>
  inFolder((path) => {
    const reader = new LogReader(path);
    const bytes = new TextEncoder().encode("one\nzwölf 🧮\n");
    for (let i = 0; i < bytes.length; i++) {
      Deno.writeFileSync(path, bytes.subarray(i, i + 1), { append: true });
      const expected = i === 3 ? ["one"] : i === bytes.length - 1 ? ["zwölf 🧮"] : [];
      deepEqual(reader.read(), expected);
    }
  }));

Deno.test("a rotation costs no line", () =>
  inFolder((path) => {
    using log = new LogFile({ path, maxBytes: 20 });
    const reader = new LogReader(path);
    const seen: string[] = [];
    for (let i = 0; i < 50; i++) {
      log.write(`line ${i}`);
      if (i % 2 === 1) seen.push(...reader.read()!);
    }
    deepEqual(seen, Array.from({ length: 50 }, (_, i) => `line ${i}`));
  }));

Deno.test("a log that cannot be read is told as a problem, with what to do", () =>
  inFolder(async (path) => {
    Deno.writeTextFileSync(path, "a file where the home should be");
    const context = {
      env: { home: path, userHome: path },
      cwd: "/",
      stdout: () => {},
      stderr: () => {},
    } as unknown as CommandContext;
    const given = { flags: new Set<string>(), values: new Map(), lists: new Map(), words: [] };
    await rejects(logs(given, context), {
      name: "DaemonProblem",
      message: /^Cannot read the log .*: Not a directory.*A file stands where a folder belongs/,
    });
  }));
