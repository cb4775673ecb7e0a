import { equal } from "node:assert/strict";
import { join } from "@std/path";
import { isOnPath } from "./on_path.ts";

Deno.test({
  name: "a program is found as it would be started: by its path, by the folder, in PATH",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const bin = join(folder, "bin");
      await Deno.mkdir(join(bin, "folder"), { recursive: true });
      await Deno.writeTextFile(join(bin, "runs"), "", { mode: 0o700 });
      await Deno.writeTextFile(join(bin, "text"), "", { mode: 0o600 });
      const cases: [command: string, path: string | undefined, expected: boolean][] = [
        ["runs", bin, true],
        ["runs", `/nowhere:${bin}`, true],
        ["runs", "/nowhere", false],
        ["runs", undefined, false],
        ["text", bin, false],
        ["folder", bin, false],
        [join(bin, "runs"), undefined, true],
        ["./bin/runs", undefined, true],
        ["bin/runs", "/nowhere", true],
        ["bin/other", bin, false],
        ["runs and more", bin, false],
      ];
      for (const [command, path, expected] of cases) {
        equal(isOnPath(command, { path, cwd: folder }), expected, `${command} in ${path}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
