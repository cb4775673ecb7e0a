/**
 * The npm package `aichaku`: packed, installed into an empty folder, run by `npx`. With the binary that
 * `AICHAKU_TEST_BIN` names, else with a script in its place: what is tested is how it is found, started
 * and ended.
 */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import {
  programPackage,
  writeLauncherPackage,
  writeProgramPackage,
} from "../../scripts/lib/npm_packages.ts";
import { REPOSITORY } from "../../scripts/lib/project.ts";
import { hostTarget, TARGETS } from "../../scripts/lib/targets.ts";
import { within } from "../e2e/support/within.ts";
import { installed, output, packed } from "./support/npm.ts";

const ignore = Deno.build.os === "windows";

/** Says who it is, repeats its arguments, ends as it is told. */
const STAND_IN = `#!/bin/sh
case "$1" in
  --version) echo "aichaku ${VERSION}" ;;
  echo) shift; printf '%s\\n' "$@"; cat ;;
  exit) exit "$2" ;;
  wait) trap 'echo ended; exit 7' TERM; echo "ready"; while :; do sleep 0.05; done ;;
esac
`;

/** A folder with everything installed. */
async function project(program?: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-npm-" });
  if (program === undefined) {
    program = join(folder, "stand-in");
    await Deno.writeTextFile(program, STAND_IN, { mode: 0o755 });
  }
  const target = hostTarget();
  const packages = [
    await writeLauncherPackage(folder),
    await writeProgramPackage({ target, path: program }, folder),
  ];
  const archives = await Promise.all(packages.map((one) => packed(one, folder)));
  const path = join(folder, "project");
  await installed(archives, path);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test({ name: "npm: npx aichaku runs the program of this system", ignore }, async () => {
  await using here = await project(Deno.env.get("AICHAKU_TEST_BIN"));
  const args = ["--no-install", "aichaku", "--version"];
  assert.equal(await output("npx", { args, cwd: here.path }), `aichaku ${VERSION}\n`);
});

Deno.test({
  name: "npm: arguments, input, exit code and signals reach the program and come back",
  ignore,
}, async () => {
  await using here = await project();
  const command = join(here.path, "node_modules", ".bin", "aichaku");
  const run = (args: string[], options: Deno.CommandOptions = {}) =>
    new Deno.Command(command, { args, stdin: "null", stdout: "piped", ...options });

  const echo = run(["echo", "a b", "$c", ""], { stdin: "piped" }).spawn();
  const writer = echo.stdin.getWriter();
  await writer.write(new TextEncoder().encode("input"));
  await writer.close();
  const { stdout } = await within(echo.output(), "end of the program");
  assert.equal(new TextDecoder().decode(stdout), "a b\n$c\n\ninput");

  assert.equal((await within(run(["exit", "3"]).output(), "end")).code, 3);

  const waiting = run(["wait"]).spawn();
  const reader = waiting.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await within(reader.read(), "ready")).value, "ready\n");
  waiting.kill("SIGTERM");
  assert.equal(
    (await within(waiting.status, "end")).code,
    7,
    "the program itself was asked to end",
  );
  assert.equal((await reader.read()).value, "ended\n");
  await reader.cancel();
});

Deno.test(
  { name: "npm: without a program for this system the error names what there is", ignore },
  async () => {
    await using here = await project();
    const path = join(here.path, "node_modules", ...programPackage(hostTarget()).split("/"));
    await Deno.remove(path, { recursive: true });
    const { code, stderr } = await new Deno.Command(
      join(here.path, "node_modules", ".bin", "aichaku"),
      { args: ["--version"], stdin: "null" },
    ).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /no program for .*windows-x64.*--include=optional/,
    );
  },
);

Deno.test("npm: each system gets its own program, of this version, and no install script", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const launcher = await writeLauncherPackage(folder);
    const manifest = JSON.parse(await Deno.readTextFile(join(launcher, "package.json")));
    assert.equal(manifest.version, VERSION);
    assert.equal(manifest.scripts, undefined);
    const expected = TARGETS.map((target) => [programPackage(target), VERSION]);
    assert.deepEqual(Object.entries(manifest.optionalDependencies), expected);
    const program = join(folder, "program");
    await Deno.writeTextFile(program, "");
    const path = await writeProgramPackage({ target: "windows-x64", path: program }, folder);
    const ofProgram = JSON.parse(await Deno.readTextFile(join(path, "package.json")));
    const { os, cpu, scripts } = ofProgram;
    assert.deepEqual([os, cpu, scripts], [["win32"], ["x64"], undefined]);
    // Without it `npm publish --provenance` is refused.
    for (const { repository } of [manifest, ofProgram]) {
      assert.deepEqual(repository, { type: "git", url: `git+${REPOSITORY}.git` });
    }
    assert.ok((await Deno.stat(join(path, "bin", "aichaku.exe"))).isFile);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
