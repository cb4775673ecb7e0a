/**
 * The container image: its Dockerfile as far as that can be told without building it, and its start
 * script, run.
 */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { DockerfileParser } from "dockerfile-ast";
import { program } from "../fixtures/daemon.ts";
import { within } from "../e2e/support/within.ts";

const FOLDER = fromFileUrl(new URL("../../packaging/", import.meta.url));
const TOKEN = "only-for-this-test";
const ignore = Deno.build.os === "windows";

const instructions = DockerfileParser.parse(Deno.readTextFileSync(join(FOLDER, "Dockerfile")))
  .getInstructions().map((one) => ({
    name: one.getInstruction(),
    text: one.getArgumentsContent() ?? "",
  }));
const textsOf = (name: string) =>
  instructions.filter((one) => one.name === name).map(({ text }) => text);

Deno.test("container: runs as nobody in particular, as the last word of the file", () => {
  const users = textsOf("USER");
  assert.match(users.at(-1)!, /^[1-9]\d*:[1-9]\d*$/);
  const user = instructions.findLastIndex(({ name }) => name === "USER");
  const run = instructions.findLastIndex(({ name }) => name === "RUN");
  assert.ok(run < user, "what root has to do comes first");
});

Deno.test("container: health, address and port as documented, and signals that reach the daemon", () => {
  assert.match(textsOf("HEALTHCHECK")[0], /^CMD \["aichaku", "mcp", "--server-status"\]$/);
  const variables = Object.fromEntries(
    textsOf("ENV").flatMap((text) => text.split(/\s+/)).map((one) => one.split("=")),
  );
  assert.deepEqual(variables, { HOST: "0.0.0.0", PORT: "7182", AICHAKU_HOME: "/data" });
  assert.deepEqual(textsOf("EXPOSE"), ["7182"]);
  // Both as lists: a shell in between would keep the signals to itself.
  assert.match(textsOf("ENTRYPOINT")[0], /^\["aichaku-container"\]$/);
  assert.deepEqual(textsOf("CMD"), []);
});

Deno.test("container: what is copied is there, and the build sees nothing else", () => {
  const [source, target] = textsOf("COPY")[0].split(/\s+/);
  assert.equal(target, "/usr/local/bin/aichaku-container");
  assert.ok(Deno.statSync(join(FOLDER, "..", source)).isFile);
  const seen = Deno.readTextFileSync(join(FOLDER, "Dockerfile.dockerignore")).split("\n");
  assert.ok(seen.includes("*") && seen.includes(`!${source}`) && seen.includes("!dist/aichaku-*"));
});

/** The start script, with the program under test as `aichaku`. */
async function container(env: Record<string, string>) {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-container-" });
  const { command, args } = program();
  const quoted = [command, ...args].map((one) => `'${one}'`).join(" ");
  const aichaku = join(folder, "aichaku");
  await Deno.writeTextFile(aichaku, `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
  const options = {
    env: {
      ...{ PATH: `${folder}:${Deno.env.get("PATH")}`, HOME: folder, PORT: "0" },
      ...(Deno.env.has("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {}),
      // Deno's cache is found by HOME otherwise; a binary needs none.
      ...(Deno.env.has("HOME") ? { XDG_CACHE_HOME: join(Deno.env.get("HOME")!, ".cache") } : {}),
      ...{ AICHAKU_HOME: join(folder, "data"), ...env },
    },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  } as const;
  return {
    run: (command: string, ...args: string[]) => new Deno.Command(command, { args, ...options }),
    script: join(FOLDER, "docker-entrypoint.sh"),
    aichaku,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test({
  name: "container: beyond loopback without a token it refuses, and says how to",
  ignore,
}, async () => {
  for (const HOST of ["0.0.0.0", "::", "192.168.1.2"]) {
    await using here = await container({ HOST });
    const { code, stderr } = await within(here.run("/bin/sh", here.script).output(), "refusal");
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stderr), /refuses to listen on .* Set AICHAKU_TOKEN/);
  }
});

for (const [HOST, name] of [["0.0.0.0", "with a token beyond"], ["127.0.0.1", "on"]] as const) {
  Deno.test({
    name: `container: ${name} loopback it serves, is healthy, and drains on SIGTERM`,
    ignore,
  }, async () => {
    const secret: Record<string, string> = HOST === "0.0.0.0" ? { AICHAKU_TOKEN: TOKEN } : {};
    await using here = await container({ HOST, ...secret });
    const daemon = here.run("/bin/sh", here.script).spawn();
    const reader = daemon.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("claude mcp add")) {
      const { value, done } = await within(reader.read(), `the daemon serves; it said: ${said}`);
      if (done) {
        assert.fail(new TextDecoder().decode(await new Response(daemon.stderr).bytes()));
      }
      said += value;
    }
    const status = () =>
      within(here.run(here.aichaku, "mcp", "--server-status").output(), "status");
    assert.equal((await status()).code, 0);
    const url = /URL: (\S+)/.exec(said)![1];
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/rpc/sample`, { method: "POST", headers, body });
    await response.body?.cancel();
    assert.equal(response.status, HOST === "0.0.0.0" ? 401 : 200);
    daemon.kill("SIGTERM");
    assert.equal((await within(daemon.status, "end of the daemon")).code, 0);
    assert.equal((await status()).code, 3);
    while (!(await reader.read()).done);
    await daemon.stderr.cancel();
  });
}
