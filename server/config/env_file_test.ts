import assert from "node:assert/strict";
import { join } from "@std/path";
import { readEnvFile } from "./env_file.ts";

async function read(content: string | Uint8Array) {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "keys.env");
    await Deno.writeFile(
      file,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return await readEnvFile(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an env file is read as dotenv has it", async () => {
  const content = [
    "# a comment",
    "PLAIN=value",
    "export EXPORTED=yes",
    'DOUBLE="two words # not a comment" # a comment',
    "SINGLE='as $IS \"here\"'",
    "SPACED = around ",
    "EMPTY=",
    'LINES="one',
    'two"',
    "REFERENCE=${PLAIN}",
    "__proto__=harmless",
    "",
  ].join("\r\n");
  assert.deepEqual(
    await read(content),
    {
      env: Object.fromEntries([
        ["PLAIN", "value"],
        ["EXPORTED", "yes"],
        ["DOUBLE", "two words # not a comment"],
        ["SINGLE", 'as $IS "here"'],
        ["SPACED", "around"],
        ["EMPTY", ""],
        ["LINES", "one\ntwo"],
        ["REFERENCE", "${PLAIN}"],
        ["__proto__", "harmless"],
      ]),
    },
  );
});

Deno.test("an env file from another editor is read without its byte order mark", async () => {
  assert.deepEqual(await read("\uFEFFA=1\n"), { env: { A: "1" } });
  const utf16 = new Uint8Array([0xff, 0xfe, 0x41, 0, 0x3d, 0, 0x31, 0]);
  assert.deepEqual(await read(utf16), { env: { A: "1" } });
});

Deno.test("an env file that cannot be used says why, without its content", async () => {
  const problem = async (content: string | Uint8Array) => {
    const outcome = await read(content);
    assert.ok("problem" in outcome);
    return outcome.problem;
  };
  assert.match(await problem(new Uint8Array([0x41, 0x3d, 0xff])), /not UTF-8/);
  assert.match(await problem("A=s3cr3t\0\n"), /no environment can hold/);
  assert.match(await problem("A=1\n".repeat(300_000)), /larger than/);
});

Deno.test("an env file that is missing, a folder, or an impossible path says so", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.deepEqual(await readEnvFile(join(folder, "none")), {
      problem: "does not exist; create it, or correct the path",
    });
    assert.deepEqual(await readEnvFile(folder), { problem: "is not a file" });
    const impossible = await readEnvFile(join(folder, "a\0b"));
    assert.match("problem" in impossible ? impossible.problem : "", /cannot be read/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
