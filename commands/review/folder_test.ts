import assert from "node:assert/strict";
import { join } from "@std/path";
import { filesOf } from "./folder.ts";
import { GIT_ENV, TestRepository } from "./testdata/repository.ts";

const options = { env: GIT_ENV, signal: new AbortController().signal };

async function names(folder: string): Promise<string[]> {
  return (await filesOf(folder, options)).map(({ path, unreadable }) => unreadable ?? path);
}

const FILES = {
  "a.ts": "",
  "b/new.ts": "",
  "b/out.log": "",
  "dist/x.js": "",
  "node_modules/p/i.js": "",
  ".gitignore": "*.log\n/dist/\n",
  "b/.gitignore": "!kept.log\n",
};

Deno.test("folder: in a repository what git does not ignore, new files included", async () => {
  await using repository = await TestRepository.create();
  await repository.write(FILES);
  await repository.git("add", "a.ts", ".gitignore");
  await Deno.symlink("a.ts", join(repository.path, "link.ts"));
  const inner = join(repository.path, "inner");
  await Deno.mkdir(inner);
  await new Deno.Command("git", { args: ["init", "-q"], cwd: inner, env: GIT_ENV }).output();
  await Deno.writeTextFile(join(inner, "i.ts"), "");
  assert.deepEqual(await names(repository.path), [
    ".gitignore",
    "a.ts",
    "b/.gitignore",
    "b/new.ts",
    "inner/i.ts",
  ]);
});

Deno.test("folder: one that git ignores as a whole is walked when it is named", async () => {
  await using repository = await TestRepository.create();
  await repository.write(FILES);
  assert.deepEqual(await names(join(repository.path, "dist")), ["x.js"]);
});

Deno.test("folder: a hook's own repository does not stand for another one", async () => {
  await using repository = await TestRepository.create();
  await using other = await TestRepository.create();
  await repository.write({ "a.ts": "" });
  await other.write({ "b.ts": "" });
  const env = { ...GIT_ENV, GIT_DIR: join(other.path, ".git"), GIT_INDEX_FILE: "/nonexistent" };
  assert.deepEqual(await filesOf(repository.path, { ...options, env }), [{ path: "a.ts" }]);
});

Deno.test("folder: outside of a repository .gitignore counts all the same", async () => {
  await using folder = new TestRepository(); // Without its git init.
  await folder.write(FILES);
  await folder.write({ "b/kept.log": "" });
  assert.deepEqual(await names(folder.path), [
    ".gitignore",
    "a.ts",
    "b/.gitignore",
    "b/new.ts",
  ]);
});
