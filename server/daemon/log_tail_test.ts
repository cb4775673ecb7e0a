import { deepEqual, equal } from "node:assert/strict";
import { join } from "@std/path";
import { createLogger } from "./log.ts";
import { LogFile } from "./log_file.ts";
import { logSize, logTail, readable } from "./log_tail.ts";

async function inFolder(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(join(folder, "log"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the tail is what this start wrote, readable, with its errors apart", () =>
  inFolder((path) => {
    using file = new LogFile({ path });
    const log = createLogger({ write: (line) => file.write(line), now: () => 0 });
    log.error("of an earlier start");
    const before = logSize(path);
    log.info("starting", { port: 7182 });
    log.error("Cannot listen");
    file.write("thread 'main' panicked\u0007");
    const { errors, lines } = logTail(path, before);
    const clock = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;
    equal(lines.filter((line) => clock.test(line)).length, 2);
    deepEqual({ errors, lines: lines.map((line) => line.replace(clock, "")) }, {
      errors: ["Cannot listen"],
      lines: [
        "info  starting port=7182",
        "error Cannot listen",
        "thread 'main' panicked\\u0007",
      ],
    });
    deepEqual(logTail(path, before, 1).lines, ["thread 'main' panicked\\u0007"]);
  }));

Deno.test("a log that was rotated meanwhile is read from its start, a missing one is empty", () =>
  inFolder((path) => {
    deepEqual(logTail(path, 0), { errors: [], lines: [] });
    equal(logSize(path), 0);
    Deno.writeTextFileSync(path, "short\n");
    deepEqual(logTail(path, 1_000).lines, ["short"]);
  }));

Deno.test("a line that only looks like ours is shown as it is", () => {
  for (
    const line of ["7", "null", `{"message":"m"}`, `{"time":"x","level":"info","message":"m"}`]
  ) {
    equal(readable(line), line);
  }
});
