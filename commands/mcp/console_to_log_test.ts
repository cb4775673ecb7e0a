import { deepEqual } from "node:assert/strict";
import { createLogger } from "../../server/daemon/log.ts";
import { consoleToLog } from "./console_to_log.ts";

Deno.test("what is said on the console is in the log, and on the console again afterwards", () => {
  const said: unknown[] = [];
  const written: string[] = [];
  const fake = { ...console, warn: (...parts: unknown[]) => said.push(parts) } as Console;
  const log = createLogger({ write: (line) => written.push(line), minimum: "debug", now: () => 0 });
  {
    using _ = consoleToLog(log, fake);
    fake.warn("a hint", { for: ["whom"] });
    fake.error("a fault");
  }
  fake.warn("to people");
  const time = "1970-01-01T00:00:00.000Z";
  deepEqual(written.map((line) => JSON.parse(line)), [
    { time, level: "debug", message: 'a hint { for: [ "whom" ] }', console: "warn" },
    { time, level: "warn", message: "a fault", console: "error" },
  ]);
  deepEqual(said, [["to people"]]);
});
