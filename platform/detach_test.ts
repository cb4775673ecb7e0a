import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "@std/path";
import { detachedCommand, spawnDetached } from "./detach.ts";

Deno.test({
  name: "what a detached program says, and how it ends, are not lost",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const outputFile = join(folder, "it's a log");
      const script =
        `console.error("said: " + Deno.args[0] + " " + Deno.env.get("WORD")); Deno.exit(7)`;
      const child = spawnDetached({
        command: Deno.execPath(),
        args: ["eval", "--ext=js", script, "a 'b' $c"],
        cwd: folder,
        env: { WORD: "w" },
        outputFile,
      });
      equal((await child.status).code, 7);
      match(Deno.readTextFileSync(outputFile), /said: a 'b' \$c w/);
      equal(Deno.statSync(outputFile).mode! & 0o777, 0o600);
      child.kill(); // Gone already: no complaint.
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("Windows has no sh: the program itself is started, with its arguments as they are", () => {
  const options = {
    command: "C:\\a b\\aichaku.exe",
    args: ["mcp", "a b", "%PATH%"],
    outputFile: "log",
  };
  deepEqual(detachedCommand(options, "windows"), {
    program: "C:\\a b\\aichaku.exe",
    args: ["mcp", "a b", "%PATH%"],
  });
  const { program, args } = detachedCommand(options, "linux");
  equal(program, "/bin/sh");
  deepEqual(args.slice(3), ["log", "C:\\a b\\aichaku.exe", "mcp", "a b", "%PATH%"]);
});
