/**
 * Makes the single binary:
 *
 *     deno task compile                     for this machine: dist/aichaku-VERSION-TARGET
 *     deno task compile --target all        for every system, or one: linux-x64, linux-arm64, macos-x64,
 *                                           macos-arm64, windows-x64
 *     deno task compile --test-base         dist/aichaku-VERSION-TARGET-test, for tests on a closed
 *                                           network (Linux)
 *
 * What may be released is also put into archives, with checksums.txt and the list of what is in it
 * (CycloneDX), in `dist/`.
 *
 * The base comes from Deno's own download host; `DENORT_BIN` names a copy of it. What was made is looked
 * at, and run once where this machine can, before it is put in its place.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { build, DIST } from "./lib/build.ts";
import { writeRelease } from "./lib/release.ts";
import { chosenTargets } from "./lib/targets.ts";
import { runTask, type Task } from "./lib/task.ts";

async function compile({ signal }: Task): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string" },
      "test-base": { type: "boolean", default: false },
    },
  });
  const programs = await build({
    targets: chosenTargets(values.target),
    base: values["test-base"] ? "test" : "official",
    signal,
    say: console.log,
  });
  if (programs.some(({ forTests }) => forTests)) return 0;
  for (const path of await writeRelease(programs, { folder: DIST, signal })) console.log(path);
  return 0;
}

await runTask("compile", compile);
