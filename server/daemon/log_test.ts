import { deepEqual, equal, match } from "node:assert/strict";
import { createLogger, humanLine, jsonLine, type LogRecord } from "./log.ts";

const record: LogRecord = { time: 0, level: "warn", message: "hello", fields: undefined };

Deno.test("a line is one JSON object with time, level, message and the fields", () => {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line), now: () => 0 });
  log.warn("two\nlines", { server: "docs", count: 3n });
  deepEqual(lines.map((line) => JSON.parse(line)), [{
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "two\nlines",
    server: "docs",
    count: "3",
  }]);
  equal(lines[0].includes("\n"), false);
});

Deno.test("no field can pose as another message or level", () => {
  const line = jsonLine({
    ...record,
    fields: { level: "error", message: "forged", time: "never" },
  });
  deepEqual(JSON.parse(line), {
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "hello",
  });
});

Deno.test("an error keeps its message, stack and cause", () => {
  const error = new Error("outer", { cause: new Error("inner") });
  const written = JSON.parse(jsonLine({ ...record, fields: { error } }));
  equal(written.error.message, "outer");
  match(written.error.stack, /log_test/);
  equal(written.error.cause.message, "inner");
});

Deno.test("fields that cannot be written cost the fields, not the line", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  equal(JSON.parse(jsonLine({ ...record, fields: { loop } })).message, "hello");
  match(humanLine({ ...record, fields: { loop } }), /hello loop=\?/);
});

Deno.test("logging never throws, and goes on after a failure", () => {
  const lines: string[] = [];
  let full = true;
  const log = createLogger({
    write(line) {
      if (full) throw new Error("no space left on device");
      lines.push(line);
    },
  });
  log.error("lost");
  full = false;
  log.error("kept");
  equal(lines.length, 1);
});

Deno.test("records below the minimum are dropped", () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  createLogger({ write }).debug("no");
  createLogger({ write, minimum: "debug" }).debug("yes");
  equal(lines.length, 1);
});

Deno.test("a line for a person: clock, level, message, fields, nothing that moves the cursor", () => {
  const line = humanLine({
    ...record,
    message: "said \u001b[2Jbye\nagain",
    fields: { server: "docs", none: undefined, error: new Error("it broke") },
  }, 0);
  equal(
    line,
    `1970-01-01 00:00:00 warn  said \\u001b[2Jbye\\u000aagain server="docs" error="it broke"`,
  );
});

Deno.test("a line for a person has the person's own day and hour, not those of Greenwich", () => {
  const time = Date.UTC(2026, 0, 31, 22, 30);
  equal(humanLine({ ...record, time, message: "m" }, 330).slice(0, 19), "2026-02-01 04:00:00");
  equal(humanLine({ ...record, time, message: "m" }, -180).slice(0, 19), "2026-01-31 19:30:00");
  const here = new Date(time);
  const minutes = (date: Date) => date.getHours() * 60 + date.getMinutes();
  const [, hour, minute] = / (\d\d):(\d\d):/.exec(humanLine({ ...record, time })) ?? [];
  equal(Number(hour) * 60 + Number(minute), minutes(here));
});
