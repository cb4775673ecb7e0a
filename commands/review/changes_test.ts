import assert from "node:assert/strict";
import { join, relative } from "@std/path";
import { type Change, changedFiles, newLinesOf, touches } from "./changes.ts";
import { GitError } from "./git.ts";
import { GIT_ENV, TestRepository } from "./testdata/repository.ts";

async function changes(repository: TestRepository, change: Change, only: string[] = []) {
  const files = await changedFiles(change, { cwd: repository.path, env: GIT_ENV, only });
  return files.map(({ path, lines }) => [relative(repository.path, path), lines]);
}

const STAGED: Change = { kind: "staged" };

Deno.test("staged: the lines and the content of the index, whatever the working tree says", async () => {
  await using repository = await TestRepository.create();
  await repository.commit({ "a.ts": "1\n2\n3\n4\n5\n", "gone.ts": "x\n", "same.ts": "y\n" });
  await repository.write({ "a.ts": "1\nnew\n3\n4\n5\nlast\n", 'b/ü "x".ts': "one\ntwo\n" });
  await repository.git("add", "-A");
  await repository.git("rm", "-q", "gone.ts");
  await repository.write({ "a.ts": "not staged\n", "same.ts": "not staged\n" });
  assert.deepEqual(await changes(repository, STAGED), [
    ["a.ts", [[2, 2], [6, 6]]],
    ['b/ü "x".ts', [[1, 2]]],
  ]);
  const [first] = await changedFiles(STAGED, { cwd: repository.path, env: GIT_ENV, only: [] });
  assert.equal(new TextDecoder().decode(await first.read!()), "1\nnew\n3\n4\n5\nlast\n");
  assert.deepEqual(await changes(repository, STAGED, ["b"]), [['b/ü "x".ts', [[1, 2]]]]);
});

Deno.test("staged: before the first commit, everything is new", async () => {
  await using repository = await TestRepository.create();
  await repository.write({ "a.ts": "1\n2" });
  await repository.git("add", "-A");
  assert.deepEqual(await changes(repository, STAGED), [["a.ts", [[1, 2]]]]);
});

Deno.test("staged: a renamed file is its changed lines; links and empty files are no lines", async () => {
  await using repository = await TestRepository.create();
  const long = Array.from({ length: 30 }, (_, line) => `line ${line}\n`);
  await repository.commit({ "old.ts": long.join(""), "kind.ts": "x\n" });
  await repository.git("mv", "old.ts", "new.ts");
  long[4] = "changed\n";
  await repository.write({ "new.ts": long.join(""), "empty.ts": "", "z.bin": new Uint8Array(9) });
  await Deno.symlink("new.ts", join(repository.path, "link.ts"));
  await Deno.remove(join(repository.path, "kind.ts"));
  await Deno.symlink("new.ts", join(repository.path, "kind.ts"));
  await repository.git("add", "-A");
  assert.deepEqual(await changes(repository, STAGED), [
    ["empty.ts", []],
    ["new.ts", [[5, 5]]],
    ["z.bin", []],
  ]);
});

Deno.test("diff: since the working tree left the branch, new files included, ignored ones not", async () => {
  await using repository = await TestRepository.create();
  await repository.commit({ "a.ts": "1\n", "main.ts": "1\n", ".gitignore": "*.log\n" });
  await repository.git("checkout", "-q", "-b", "work");
  await repository.commit({ "a.ts": "1\n2\n" });
  await repository.git("checkout", "-q", "main");
  await repository.commit({ "main.ts": "1\n2\n" });
  await repository.git("checkout", "-q", "work");
  await repository.write({ "a.ts": "1\n2\n3\n", "new.ts": "x\n", "a.log": "x\n" });
  assert.deepEqual(await changes(repository, { kind: "since", ref: "main" }), [
    ["a.ts", [[2, 3]]],
    ["new.ts", undefined],
  ]);
});

Deno.test("diff: what is no commit is told; nothing is taken for an option", async () => {
  await using repository = await TestRepository.create();
  await repository.commit({ "a.ts": "1\n" });
  for (const ref of ["nothing", "--output=/tmp/x", "-c", ""]) {
    await assert.rejects(changes(repository, { kind: "since", ref }), (error) => {
      assert.ok(error instanceof GitError);
      assert.equal(error.message, `there is no commit ${JSON.stringify(ref)}`);
      return true;
    });
  }
});

Deno.test("lines: of each file of a patch, whatever its content looks like", () => {
  const patch = [
    "diff --git a/a b/a",
    "@@ -1 +1,2 @@ diff --git",
    "-diff --git a/x b/x",
    "+@@ -1 +7 @@",
    "+diff --git a/y b/y",
    "@@ -9,3 +10,0 @@",
    "diff --git a/b b/b",
    "Binary files differ",
    "diff --git a/c b/c",
    "@@ -0,0 +1 @@",
    "",
  ].join("\n");
  assert.deepEqual(newLinesOf(patch), [[[1, 2]], [], [[1, 1]]]);
  assert.deepEqual(
    [[1, 1], [2, 4], [5, 9], [4, 5], [8, 8]].map(([a, b]) => touches([[4, 4], [7, 9]], a, b)),
    [false, true, true, true, true],
  );
});
