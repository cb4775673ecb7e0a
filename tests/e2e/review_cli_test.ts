/** `aichaku review` as a user types it: folders, patterns, standard input, changes, rules, suppressions. */

import assert from "node:assert/strict";
import { TestRepository } from "../../commands/review/testdata/repository.ts";
import { type CliResult, type DaemonFixture, homeTest } from "../fixtures/daemon.ts";

const BAD = "import os\nos.system(f'rm {x}')\n";

interface World {
  repository: TestRepository;
  review(args: string[], input?: string): Promise<CliResult>;
  /** The same with `--json`: the code, and the findings as `path:line rule`. */
  findings(args: string[]): Promise<[code: number, findings: string[]]>;
}

function worldTest(name: string, body: (world: World) => Promise<void>): void {
  homeTest(`review: ${name}`, {}, async (daemon) => {
    await using repository = await TestRepository.create();
    const review = (args: string[], input = "") => run(daemon, repository.path, args, input);
    await body({
      repository,
      review,
      async findings(args) {
        const { code, stdout, stderr } = await review([...args, "--json"]);
        assert.equal(stderr, "");
        const files = JSON.parse(stdout).files as { path: string; findings: unknown[] }[];
        const found = files.flatMap(({ path, findings }) =>
          (findings as { line: number; rule: string }[]).map((f) => `${path}:${f.line} ${f.rule}`)
        );
        return [code, found];
      },
    });
  });
}

async function run(
  daemon: DaemonFixture,
  cwd: string,
  args: string[],
  input: string,
): Promise<CliResult> {
  const child = daemon.command(["review", ...args], { cwd, stdin: "piped" }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  // A command that does not read its standard input may be gone by now.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

worldTest(
  "a folder is what git does not ignore; what is no source is looked at for secrets",
  async ({ repository, review, findings }) => {
    await repository.write({
      ".gitignore": "build/\n",
      "a/bad.py": BAD,
      "a/good.ts": "export const a = 1;\n",
      "a/readme.md": "hello\n",
      "a/picture.png": new Uint8Array([137, 80, 0, 0]),
      "build/bad.py": BAD,
      "node_modules/p/bad.py": BAD,
    });
    assert.deepEqual(await findings(["."]), [1, ["a/bad.py:2 py-os-system"]]);
    assert.deepEqual(await findings(["a/**/*.{py,ts}"]), [1, ["a/bad.py:2 py-os-system"]]);
    assert.deepEqual(await findings(["build"]), [1, ["build/bad.py:2 py-os-system"]]);
    assert.deepEqual(await findings([".", "--exclude", "*.py"]), [0, []]);
    assert.deepEqual(await findings(["a/bad.py", "--exclude", "a/"]), [0, []]);
    const { stdout } = await review(["."]);
    assert.match(
      stdout,
      /in 1 of 4 files \(2 files looked at for secrets only, 1 binary file left out\)\n$/,
    );
  },
);

worldTest("standard input is reviewed under the name it is given", async ({ review }) => {
  const named = await review(["-", "--stdin-name", "x.py"], BAD);
  assert.equal(named.code, 1);
  assert.match(named.stdout, /^x\.py\n {2}2:1 .*py-os-system/);
  const unnamed = await review(["-"], "just text\n");
  assert.equal(unnamed.code, 4);
  assert.match(unnamed.stdout, /only secrets were looked for/);
});

worldTest(
  "only changed lines count, and the others are counted",
  async ({ repository, review, findings }) => {
    await repository.commit({ "old.py": BAD });
    await repository.write({ "old.py": `${BAD}a = 1\n`, "new.py": BAD });
    assert.deepEqual(await findings(["--diff", "HEAD"]), [1, ["new.py:2 py-os-system"]]);
    assert.deepEqual(await findings(["--diff", "HEAD", "old.py"]), [0, []]);
    assert.deepEqual(await findings(["--staged"]), [0, []]);
    await repository.git("add", "-A");
    await repository.write({ "new.py": "mended = 1\n" });
    const { code, stdout } = await review(["--staged"]);
    assert.equal(code, 1);
    assert.match(stdout, /^new\.py\n {2}2:1 .* \(1 finding on unchanged lines left out\)\n$/s);
  },
);

worldTest("chosen rules and suppressions", async ({ repository, review, findings }) => {
  const why = "aichaku-ignore py-os-system";
  await repository.write({
    "a.py": `${BAD}eval(x)\n`,
    "b.py":
      `import os\n# ${why}: x is ours\nos.system(f'rm {x}')\nos.system(f'ls {x}')  # ${why}\n`,
  });
  assert.deepEqual(await findings(["a.py", "--rules", "py-eval"]), [1, ["a.py:3 py-eval"]]);
  assert.deepEqual(await findings(["a.py", "--rules", "!py-*"]), [0, []]);
  assert.deepEqual(await findings(["b.py"]), [1, [
    "b.py:4 py-os-system",
    "b.py:4 unexplained-suppression",
  ]]);
  const { files, summary } = JSON.parse((await review(["b.py", "--json"])).stdout);
  assert.equal(summary.suppressed, 1);
  assert.equal(files[0].suppressed[0].reason, "x is ours");
  const wrong = await review(["a.py", "--rules", "py-evil"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no rule matches --rules "py-evil"\. Did you mean py-eval\?/);
});

worldTest("what cannot be found out is no clean review", async ({ repository, review }) => {
  const cases: [args: string[], code: number, message: RegExp][] = [
    [["--diff", "nothing"], 4, /Cannot find out what to review: there is no commit "nothing"/],
    [["--staged", "--diff", "x"], 2, /--staged and --diff exclude each other/],
    [["--staged", "-"], 2, /standard input is no part of a change/],
    [["no/**/*.ts"], 2, /no file matches "no\/\*\*\/\*\.ts"/],
  ];
  for (const [args, code, message] of cases) {
    const result = await review(args);
    assert.deepEqual([result.code, result.stdout], [code, ""], args.join(" "));
    assert.match(result.stderr, message);
  }
  await Deno.remove(`${repository.path}/.git`, { recursive: true });
  assert.equal((await review(["--staged"])).code, 4);
});
