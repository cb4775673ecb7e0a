import { equal, match, throws } from "node:assert/strict";
import { join } from "@std/path";
import {
  assertPrivateFolder,
  ensurePrivateFolder,
  FolderNotPrivate,
  privacyProblem,
} from "./private_folder.ts";

const unix = Deno.build.os !== "windows";

Deno.test("a folder that is missing is made for the owner alone", async () => {
  const home = await Deno.makeTempDir();
  try {
    const path = join(home, "run", "m1");
    ensurePrivateFolder(path);
    ensurePrivateFolder(path);
    if (unix) equal(Deno.statSync(path).mode! & 0o777, 0o700);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test({
  name: "a folder that others can write, a link and a file are refused with the remedy",
  ignore: !unix,
  async fn() {
    const home = await Deno.makeTempDir();
    try {
      const open = join(home, "open");
      Deno.mkdirSync(open);
      Deno.chmodSync(open, 0o770);
      throws(() => ensurePrivateFolder(open), (error: Error) => {
        equal(error instanceof FolderNotPrivate, true);
        match(error.message, /mode is 0770.*chmod 700 '.*open'/);
        return true;
      });
      const link = join(home, "link");
      Deno.symlinkSync(home, link);
      throws(() => assertPrivateFolder(link), /symbolic link/);
      const file = join(home, "file");
      Deno.writeTextFileSync(file, "");
      throws(() => assertPrivateFolder(file), /not a folder/);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

Deno.test("a folder of another user is refused", () => {
  const info = { isDirectory: true, isSymlink: false, uid: 1001, mode: 0o40700 };
  match(privacyProblem(info, 1000)!("/x"), /belongs to user 1001, and this is user 1000/);
  equal(privacyProblem(info, 1001), undefined);
});

Deno.test("where there are no user ids, modes mean nothing", () => {
  const info = { isDirectory: true, isSymlink: false, uid: null, mode: 0o777 };
  equal(privacyProblem(info, null), undefined);
});
