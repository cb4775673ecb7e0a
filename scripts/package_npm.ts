/**
 * Makes the npm packages from the binaries in `dist/`, each a folder to publish:
 *
 *     deno task package            dist/npm/aichaku, dist/npm/cli-TARGET, dist/npm/sdk
 *
 * Only what was compiled for release is taken; a system without a binary is named and left out.
 *
 * @module
 */

import { join } from "@std/path";
import { VERSION } from "../protocol/version.ts";
import { DIST } from "./lib/build.ts";
import { targetOfFile } from "./lib/executable.ts";
import { writeLauncherPackage, writeProgramPackage, writeSdkPackage } from "./lib/npm_packages.ts";
import { binaryName, TARGETS } from "./lib/targets.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

async function packageNpm({ signal }: Task): Promise<number> {
  const folder = join(DIST, "npm");
  for (const target of TARGETS) {
    const path = join(DIST, binaryName(VERSION, target));
    try {
      const found = await targetOfFile(path);
      if (found !== target) throw new TaskProblem(`${path} is a program for ${found ?? "nobody"}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error(
        `left out: ${path} is missing. To make it: deno task compile --target ${target}`,
      );
      continue;
    }
    console.log(await writeProgramPackage({ target, path }, folder));
  }
  console.log(await writeLauncherPackage(folder));
  console.log(await writeSdkPackage(folder, signal));
  return 0;
}

await runTask("package", packageNpm);
