/** The hooks of docs/hooks.md, each run as it stands there. */

import assert from "node:assert/strict";
import { join } from "@std/path";
import { GIT_ENV, TestRepository } from "../../commands/review/testdata/repository.ts";
import { type DaemonFixture, homeTest } from "../fixtures/daemon.ts";

const DOCS = await Deno.readTextFile(new URL("../../docs/hooks.md", import.meta.url));
const BAD = "import os\nos.system(f'rm {x}')\n";
const LOOK_AWAY =
  "os.system(f'rm {x}')  # aichaku-ignore py-os-system: x is one of our own names\n";

/** The first block of a language. */
function block(language: string): string {
  const match = new RegExp("^```" + language + "\\n([\\s\\S]*?)^```", "m").exec(DOCS);
  assert.ok(match, `docs/hooks.md has a block of ${language}`);
  return match[1];
}

/** A PATH on which `aichaku` is the program under test. */
async function path(daemon: DaemonFixture): Promise<string> {
  const folder = join(daemon.home, "..", "bin");
  await Deno.mkdir(folder, { recursive: true });
  const { command, args } = daemon.program;
  const words = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  await Deno.writeTextFile(join(folder, "aichaku"), `#!/bin/sh\nexec ${words} "$@"\n`, {
    mode: 0o755,
  });
  return `${folder}:${Deno.env.get("PATH")}`;
}

/** Runs a command line in a repository. */
async function sh(
  script: string,
  { cwd, daemon, input = "" }: { cwd: string; daemon: DaemonFixture; input?: string },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command("sh", {
    args: ["-c", script],
    cwd,
    env: { ...daemon.env, ...GIT_ENV, PATH: await path(daemon) },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

homeTest(
  "hooks: pre-commit stops a finding on a changed line, and nothing else",
  {},
  async (daemon) => {
    await using repository = await TestRepository.create();
    await repository.commit({ "old.py": BAD, "a.py": "a = 1\n" });
    const hook = join(repository.path, ".git", "hooks", "pre-commit");
    await Deno.mkdir(join(hook, ".."), { recursive: true });
    await Deno.writeTextFile(hook, block("sh"), { mode: 0o755 });
    const commit = async () => await sh("git commit -q -m x", { cwd: repository.path, daemon });

    // What is there already is nobody's fault, and what is not staged is not committed.
    await repository.write({ "old.py": `${BAD}b = 2\n`, "a.py": "a = 2\n" });
    await repository.git("add", "-A");
    await repository.write({ "a.py": BAD });
    const harmless = await commit();
    assert.equal(harmless.code, 0, harmless.stdout + harmless.stderr);

    await repository.git("add", "-A");
    const stopped = await commit();
    assert.equal(stopped.code, 1, stopped.stderr);
    assert.match(stopped.stdout + stopped.stderr, /a\.py\n.*2:1 .*py-os-system/);

    // Mended in the working tree only: the index counts.
    await repository.write({ "a.py": "a = 3\n" });
    assert.equal((await commit()).code, 1);

    await repository.write({ "a.py": `import os\n${LOOK_AWAY}` });
    await repository.git("add", "-A");
    const explained = await commit();
    assert.equal(explained.code, 0, explained.stdout + explained.stderr);
  },
);

homeTest("hooks: Claude Code is given the findings of the file it wrote", {}, async (daemon) => {
  const settings = JSON.parse(block("json"));
  const [{ matcher, hooks: [{ command }] }] = settings.hooks.PostToolUse;
  assert.match("Write", new RegExp(`^(${matcher})$`));
  if (!(await sh("command -v jq", { cwd: "/", daemon })).stdout) return; // Its one need.
  await using folder = new TestRepository();
  await folder.write({ "bad.py": BAD, "good.py": "a = 1\n", "notes.txt": "hello\n" });
  const written = (name: string) =>
    sh(command, {
      cwd: folder.path,
      daemon,
      input: JSON.stringify({ tool_input: { file_path: join(folder.path, name) } }),
    });
  const bad = await written("bad.py");
  assert.deepEqual([bad.code, bad.stdout], [2, ""]);
  assert.match(bad.stderr, /py-os-system/);
  for (const name of ["good.py", "notes.txt", "gone.py"]) {
    assert.equal((await written(name)).code, 0, name);
  }
});

homeTest(
  "hooks: the GitHub workflow writes SARIF of what a pull request changes",
  {},
  async (daemon) => {
    const command = /run: (aichaku review .*)$/m.exec(block("yaml"))?.[1]
      .replace("${{ github.base_ref }}", "main");
    assert.ok(command);
    await using repository = await TestRepository.create();
    await repository.commit({ "old.py": BAD });
    await repository.git("update-ref", "refs/remotes/origin/main", "HEAD");
    await repository.git("checkout", "-q", "-b", "work");
    await repository.commit({ "src/new.py": BAD });
    const { code, stderr } = await sh(command, { cwd: repository.path, daemon });
    assert.equal(code, 1, stderr);
    const sarif = JSON.parse(await Deno.readTextFile(join(repository.path, "aichaku.sarif")));
    assert.deepEqual(
      // deno-lint-ignore no-explicit-any -- SARIF is deep
      sarif.runs[0].results.map((one: any) =>
        one.locations[0].physicalLocation.artifactLocation.uri
      ),
      ["src/new.py"],
    );
  },
);
