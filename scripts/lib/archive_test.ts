import assert from "node:assert/strict";
import { join } from "@std/path";
import { strFromU8, strToU8, unzipSync } from "fflate";
import { tarGz, zip } from "./archive.ts";
import { checksums } from "./checksums.ts";

const files = [
  { name: "aichaku-1/aichaku", bytes: strToU8("#!/bin/sh\necho hello\n"), executable: true },
  { name: "aichaku-1/LICENSE", bytes: strToU8("MIT\n") },
];

Deno.test({
  name: "tar unpacks the archive, and what is a program can be run",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeFile(join(folder, "a.tar.gz"), await tarGz(files));
      const tar = new Deno.Command("tar", { args: ["xzf", "a.tar.gz"], cwd: folder });
      assert.equal((await tar.output()).code, 0);
      const { stdout } = await new Deno.Command(join(folder, "aichaku-1", "aichaku")).output();
      assert.equal(new TextDecoder().decode(stdout), "hello\n");
      assert.equal(await Deno.readTextFile(join(folder, "aichaku-1", "LICENSE")), "MIT\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a zip archive holds the same", () => {
  const content = unzipSync(zip(files));
  assert.deepEqual(Object.keys(content), ["aichaku-1/aichaku", "aichaku-1/LICENSE"]);
  assert.equal(strFromU8(content["aichaku-1/LICENSE"]), "MIT\n");
});

Deno.test("the same content gives the same archive", async () => {
  assert.deepEqual(await tarGz(files), await tarGz(files));
  assert.deepEqual(zip(files), zip(files));
});

Deno.test("checksums: what sha256sum says, sorted by name, without folders", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [b, a] = [join(folder, "b"), join(folder, "a")];
    await Deno.writeTextFile(a, "");
    await Deno.writeTextFile(b, "abc");
    assert.equal(
      await checksums([b, a]),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n" +
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b\n",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
