import { equal, match, notEqual } from "node:assert/strict";
import { parseProcStat, parsePs, processStartTime } from "./process.ts";

Deno.test("this process has a start time, and always the same", () => {
  const first = processStartTime(Deno.pid);
  notEqual(first, null);
  equal(processStartTime(Deno.pid), first);
});

Deno.test("a process that is gone has none", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "0"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await child.status;
  equal(processStartTime(child.pid), null);
});

Deno.test("Linux: field 22, whatever the program calls itself", () => {
  const rest = "1 2 2 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 9 0 812345 99 88";
  equal(parseProcStat(`77 (deno) S ${rest}\n`), 812345);
  equal(parseProcStat(`77 (a) S 1 (b) ) R ${rest}\n`), 812345);
  const alone = rest.replace(" 9 0 8", " 1 0 8");
  equal(parseProcStat(`77 (deno) Z ${alone}\n`), null);
  equal(parseProcStat(`77 (deno) Z ${rest}\n`), 812345, "other threads still have its files");
  equal(parseProcStat("77 (deno) S 1 2"), null);
  equal(parseProcStat(""), null);
});

Deno.test("ps: the start in seconds; a zombie has none", () => {
  const time = parsePs("Ss   Thu Mar  5 10:11:12 2026\n");
  equal(time, Math.floor(new Date(2026, 2, 5, 10, 11, 12).getTime() / 1000));
  equal(parsePs("Z    Thu Mar  5 10:11:12 2026\n"), null);
  equal(parsePs(""), null);
});

Deno.test("Windows: PowerShell tells the start in milliseconds; of what is gone, nothing", () => {
  const asked: string[] = [];
  const ask = (answer: string | undefined) =>
    processStartTime(4711, {
      os: "windows",
      output(command, args) {
        asked.push([command, ...args].join(" "));
        return answer;
      },
    });
  equal(ask("1772705472123\r\n"), 1772705472123);
  equal(ask(undefined), null);
  equal(ask("\r\n"), null);
  match(asked[0], /^powershell\.exe -NoProfile -NonInteractive .*Get-Process -Id 4711 /);
});

Deno.test("macOS: ps tells it", () => {
  const output = (command: string, args: string[]) =>
    command === "ps" && args.at(-1) === "4711" ? "S    Thu Mar  5 10:11:12 2026\n" : undefined;
  const time = Math.floor(new Date(2026, 2, 5, 10, 11, 12).getTime() / 1000);
  equal(processStartTime(4711, { os: "darwin", output }), time);
  equal(processStartTime(4712, { os: "darwin", output }), null);
});
