import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "@std/path";
import { rewriteFile } from "./rewrite_file.ts";

const onUnix = Deno.build.os !== "windows";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const append = (text: string) => Promise.resolve(text + "+");
const read = (path: string) => Deno.readTextFileSync(path);
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("the old file is kept beside the new one, with its mode", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    Deno.writeTextFileSync(file, "one");
    if (onUnix) Deno.chmodSync(file, 0o664);
    const { outcome, backup } = await rewriteFile({ file, edit: append });
    deepEqual([outcome, backup], ["changed", `${file}.bak`]);
    deepEqual([read(file), read(backup!)], ["one+", "one"]);
    if (onUnix) {
      for (const path of [file, backup!]) equal(Deno.statSync(path).mode! & 0o777, 0o664);
    }
    await rewriteFile({ file, edit: append });
    deepEqual([read(file), read(backup!)], ["one++", "one+"]);
    deepEqual(names(folder), ["config.json", "config.json.bak"]);
  }));

Deno.test("nothing is written where nothing changes", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    Deno.writeTextFileSync(file, "one");
    const outcome = await rewriteFile({ file, edit: (text) => Promise.resolve(text) });
    deepEqual(outcome, { outcome: "unchanged", backup: undefined });
    deepEqual(names(folder), ["config.json"]);
  }));

Deno.test("a file that does not exist is made for its owner alone, with its folder", () =>
  inFolder(async (folder) => {
    const file = join(folder, "home", "config.json");
    const { outcome, backup } = await rewriteFile({ file, edit: append });
    deepEqual([outcome, backup, read(file)], ["created", undefined, "+"]);
    if (onUnix) {
      equal(Deno.statSync(file).mode! & 0o777, 0o600);
      equal(Deno.statSync(join(folder, "home")).mode! & 0o777, 0o700);
    }
    deepEqual(names(join(folder, "home")), ["config.json"]);
  }));

Deno.test("what others write meanwhile is kept", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    for (const start of [undefined, "mine"]) {
      if (start !== undefined) Deno.writeTextFileSync(file, start);
      let first = true;
      const beforeLook = () => {
        if (first) Deno.writeTextFileSync(file, "theirs");
        first = false;
      };
      await rewriteFile({ file, edit: append, beforeLook, pause: () => Promise.resolve() });
      equal(read(file), "theirs+");
    }
  }));

Deno.test("a file that never stays the same is left alone, and the remedy told", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    Deno.writeTextFileSync(file, "0");
    let count = 0;
    const beforeLook = () => Deno.writeTextFileSync(file, String(++count));
    await rejects(
      rewriteFile({ file, edit: append, beforeLook, pause: () => Promise.resolve() }),
      /config\.json: Something else changes or locks this file .* run the command again/,
    );
    equal(read(file), String(count));
    deepEqual(names(folder), ["config.json"]);
  }));

Deno.test("twenty at once lose nothing of each other's", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    // Each takes time between reading and writing, so that they do get in each other's way.
    const edit = async (text: string) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      return text + "+";
    };
    const all = Array.from({ length: 20 }, () =>
      rewriteFile({
        file,
        edit,
        pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
      }));
    await Promise.allSettled(all);
    const done = (await Promise.allSettled(all)).filter(({ status }) => status === "fulfilled");
    ok(done.length > 0);
    equal(read(file), "+".repeat(done.length));
  }));

Deno.test({
  name: "whoever holds the lock is waited for, and what it wrote is kept",
  ignore: !onUnix,
  fn: () =>
    inFolder(async (folder) => {
      const file = join(folder, "config.json");
      Deno.writeTextFileSync(file, "mine");
      using holder = Deno.openSync(file, { read: true, write: true });
      holder.lockSync(true);
      let pauses = 0;
      const pause = () => {
        pauses++;
        Deno.writeTextFileSync(file, "theirs");
        holder.unlockSync();
        return Promise.resolve();
      };
      await rewriteFile({ file, edit: append, pause });
      deepEqual([read(file), pauses], ["theirs+", 1]);
    }),
});

Deno.test("what the edit throws ends it, with nothing written", () =>
  inFolder(async (folder) => {
    const file = join(folder, "config.json");
    Deno.writeTextFileSync(file, "one");
    await rejects(
      rewriteFile({ file, edit: () => Promise.reject(new Error("no")) }),
      /^Error: no$/,
    );
    deepEqual(names(folder), ["config.json"]);
  }));

Deno.test({
  name: "of a symbolic link, what it leads to is written, and the link stays",
  ignore: !onUnix,
  fn: () =>
    inFolder(async (folder) => {
      Deno.mkdirSync(join(folder, "dotfiles"));
      const target = join(folder, "dotfiles", "aichaku.json");
      const file = join(folder, "config.json");
      Deno.writeTextFileSync(target, "one");
      Deno.symlinkSync(target, file);
      await rewriteFile({ file, edit: append });
      equal(read(target), "one+");
      ok(Deno.lstatSync(file).isSymlink);
      deepEqual(names(folder), ["config.json", "config.json.bak", "dotfiles"]);
      Deno.removeSync(target);
      await rejects(rewriteFile({ file, edit: append }), /symbolic link leads to nothing/);
    }),
});

Deno.test("what is no writable text file is refused and left alone", () =>
  inFolder(async (folder) => {
    await rejects(rewriteFile({ file: folder, edit: append }), /This is not a file/);
    const file = join(folder, "config.json");
    Deno.writeFileSync(file, new Uint8Array([0xc3, 0x28]));
    await rejects(rewriteFile({ file, edit: append }), /not UTF-8 text/);
    if (onUnix) {
      Deno.writeTextFileSync(file, "one");
      Deno.chmodSync(file, 0o444);
      await rejects(rewriteFile({ file, edit: append }), (error: Error) => {
        equal(error.name, "ConfigError");
        match(error.message, /read-only.*make it writable/);
        return true;
      });
    }
    deepEqual(names(folder), ["config.json"]);
  }));
