import assert from "node:assert/strict";
import process from "node:process";

import { settlesWithin } from "../protocol/deadline.ts";
import { builtinSpawn } from "./defaults.ts";
import { spawnProcess } from "./spawned_process.ts";
import { TempDir } from "./testdata/fixtures.ts";

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** Sets a variable for the length of a block. */
function variable(name: string, value: string): Disposable {
  const before = process.env[name];
  process.env[name] = value;
  return {
    [Symbol.dispose]() {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    },
  };
}

Deno.test("spawned process: stdin, stdout, stderr, exit code and folder", async () => {
  await using dir = new TempDir();
  const child = await spawnProcess({
    command: "sh",
    args: ["-c", 'pwd; cat; echo "$EXTRA" >&2; exit 4'],
    env: { EXTRA: "from the spec" },
    cwd: dir.path,
  });
  await child.stdin.write("hello ");
  await child.stdin.write("wörld");
  child.stdin.end();
  const [out, err, exit] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    child.exit,
  ]);
  assert.equal(out, `${await Deno.realPath(dir.path)}\nhello wörld`);
  assert.equal(err, "from the spec\n");
  assert.equal(exit.code, 4);
});

Deno.test("spawned process: a child sees the allow-list and what the spec adds, no more", async () => {
  using _secret = variable("AICHAKU_TEST_SECRET", "hidden");
  using _proxy = variable("HTTPS_PROXY", "http://proxy.example");
  using _function = variable("TZ", "() { :; }");
  const child = await spawnProcess({ command: "env", env: { OWN: "1" } });
  const [out] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exit]);
  const names = out.trim().split("\n").map((line) => line.split("=")[0]);
  assert.ok(!names.includes("AICHAKU_TEST_SECRET"));
  assert.ok(!names.includes("TZ"));
  assert.ok(names.includes("HTTPS_PROXY"));
  assert.ok(names.includes("PATH"));
  assert.ok(names.includes("OWN"));
});

Deno.test("spawned process: a command that does not exist is an error, not a process", async () => {
  await assert.rejects(
    spawnProcess({ command: "/no/such/program" }),
    (error: Error & { code?: string }) => error.code === "ENOENT",
  );
});

Deno.test("spawned process: a grandchild that holds the pipes does not hold the streams", async () => {
  // It inherits stderr, and would keep it open for ten minutes.
  const child = await spawnProcess({ command: "sh", args: ["-c", "sleep 600 >&2 & echo $!"] });
  const pid = Number(await textOf(child.stdout));
  try {
    assert.equal((await child.exit).code, 0);
    const ended = textOf(child.stderr).then(() => {}, () => {});
    assert.ok(await settlesWithin(ended, 10_000), "stderr ends although somebody holds it");
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
  child.stdin.end();
});

Deno.test("defaults: AICHAKU_BIN runs the built-in servers, and only those", () => {
  using _bin = variable("AICHAKU_BIN", "/opt/aichaku");
  assert.deepEqual(builtinSpawn("reviewer", "/h"), {
    command: "/opt/aichaku",
    args: ["mcp", "--serve-builtin", "reviewer"],
    env: { AICHAKU_HOME: "/h" },
  });
  assert.equal(builtinSpawn("everything", "/h"), undefined);
  assert.equal(builtinSpawn(undefined, "/h"), undefined);
  using _empty = variable("AICHAKU_BIN", "");
  assert.equal(builtinSpawn("reviewer", "/h"), undefined);
});
