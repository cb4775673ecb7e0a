import assert from "node:assert/strict";
import { join } from "@std/path";
import { readContainedFile } from "./contained_file.ts";
import { NotReadable } from "./regular_file.ts";
import { MAX_FILE_BYTES } from "./source.ts";

interface Folders {
  root: string;
  outside: string;
}

async function withFolders(test: (folders: Folders) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const root = join(folder, "root");
    const outside = join(folder, "root-not");
    await Deno.mkdir(join(root, "src"), { recursive: true });
    await Deno.mkdir(outside);
    await Deno.writeTextFile(join(root, "src", "a.ts"), "inside");
    await Deno.writeTextFile(join(outside, "b.ts"), "outside");
    await test({ root, outside });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refused(path: string, roots: string[], reason: RegExp): Promise<void> {
  await assert.rejects(
    () => readContainedFile(path, roots),
    (error) => error instanceof NotReadable && reason.test(error.message),
    `${path} should be refused with ${reason}`,
  );
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a file inside an allowed folder is read", () =>
  withFolders(async ({ root, outside }) => {
    assert.equal(text(await readContainedFile(join(root, "src", "a.ts"), [root])), "inside");
    assert.equal(text(await readContainedFile(join(outside, "b.ts"), [root, outside])), "outside");
    const winding = `${root}/src/../src/a.ts`;
    assert.equal(text(await readContainedFile(winding, [`${root}/.`])), "inside");
  }));

Deno.test("a file outside is refused: by its place, through .., and next to the folder", () =>
  withFolders(async ({ root, outside }) => {
    await refused(join(outside, "b.ts"), [root], /outside the folders/);
    await refused(`${root}/../root-not/b.ts`, [root], /outside the folders/);
    await refused(join(root, "src", "a.ts"), [], /outside the folders/);
    await refused(join(root, "src", "a.ts"), [join(root, "gone")], /outside the folders/);
    await refused(root, [root], /outside the folders/);
  }));

Deno.test("a symbolic link counts as what it leads to", () =>
  withFolders(async ({ root, outside }) => {
    await Deno.symlink(join(outside, "b.ts"), join(root, "out.ts"));
    await Deno.symlink(outside, join(root, "folder"));
    await Deno.symlink(join(root, "src", "a.ts"), join(outside, "in.ts"));
    await Deno.symlink(join(root, "loop"), join(root, "loop"));
    await Deno.symlink(root, join(outside, "root"));
    await refused(join(root, "out.ts"), [root], /outside the folders/);
    await refused(join(root, "folder", "b.ts"), [root], /outside the folders/);
    await refused(join(root, "loop"), [root], /symbolic links lead nowhere/);
    assert.equal(text(await readContainedFile(join(outside, "in.ts"), [root])), "inside");
    const linkedRoot = [join(outside, "root")];
    assert.equal(text(await readContainedFile(join(root, "src", "a.ts"), linkedRoot)), "inside");
  }));

Deno.test("a relative path, a missing file, a folder and a pipe are refused with the reason", () =>
  withFolders(async ({ root }) => {
    await refused("src/a.ts", [root], /the path is relative/);
    await refused(join(root, "gone.ts"), [root], /there is no such file/);
    await refused(join(root, "src", "a.ts", "x"), [root], /a part of the path is not a folder/);
    await refused(join(root, "src"), [root], /not a regular file|it is a folder/);
    const pipe = join(root, "pipe.ts");
    const made = await new Deno.Command("mkfifo", { args: [pipe] }).output();
    assert.ok(made.success);
    await refused(pipe, [root], /not a regular file/);
  }));

Deno.test("of a large file only one byte beyond the limit is read", () =>
  withFolders(async ({ root }) => {
    const path = join(root, "large.ts");
    await Deno.writeFile(path, new Uint8Array(MAX_FILE_BYTES + 100));
    assert.equal((await readContainedFile(path, [root])).length, MAX_FILE_BYTES + 1);
  }));
