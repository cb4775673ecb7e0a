/**
 * The binary alone, on a machine that has never seen Deno: an empty environment, a fresh home, and on
 * PATH nothing but what the user's own servers need. Needs `AICHAKU_TEST_BIN`; run by
 * `deno task test binary`.
 */

import assert from "node:assert/strict";
import { basename, join } from "@std/path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { VERSION } from "../../../protocol/version.ts";
import { childrenOf } from "../../e2e/support/processes.ts";
import { within } from "../../e2e/support/within.ts";

/** As its page says to paste it. */
const PASTED = `{
  "mcpServers": {
    "everything": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-everything"]
    }
  }
}
`;

/** What `npx` is made of, and nothing else. */
const ON_PATH = ["node", "npx", "sh"];

/** Milliseconds: npm fetches the server. */
const FETCH_MS = 120_000;

interface Machine {
  home: string;
  binary: string;
  env: Record<string, string>;
  /** Runs the binary to its end. */
  aichaku(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

async function machine(): Promise<Machine & AsyncDisposable> {
  const binary = Deno.env.get("AICHAKU_TEST_BIN");
  if (!binary) {
    throw new Error("AICHAKU_TEST_BIN names no binary. Run: deno task test binary");
  }
  const home = await Deno.makeTempDir({ prefix: "aichaku-alone-" });
  const path = join(home, "path");
  await Deno.mkdir(path);
  for (const name of ON_PATH) await Deno.symlink(await which(name), join(path, name));
  const env = { HOME: home, PATH: path, AICHAKU_PORT: "0" };
  const aichaku = async (...args: string[]) => {
    const running = new Deno.Command(binary, {
      args,
      env,
      clearEnv: true,
      stdin: "null",
      cwd: home,
    })
      .output();
    const { code, stdout, stderr } = await within(running, `aichaku ${args.join(" ")}`, FETCH_MS);
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  return {
    ...{ home, binary, env, aichaku },
    async [Symbol.asyncDispose]() {
      await aichaku("mcp", "--stop-server", "--force");
      await Deno.remove(home, { recursive: true });
    },
  };
}

async function which(name: string): Promise<string> {
  for (const folder of Deno.env.get("PATH")!.split(":")) {
    const path = join(folder, name);
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  throw new Error(`This test needs ${name} on PATH`);
}

/** Names of the programs that run below a process. */
async function programsBelow(pid: number): Promise<string[]> {
  const names: string[] = [];
  for (const child of await childrenOf(pid)) {
    names.push(basename(await Deno.readLink(`/proc/${child}/exe`)), ...await programsBelow(child));
  }
  return names;
}

Deno.test({
  name: "the binary alone: start, status, review, a pasted server, the stdio bridge, stop",
  ignore: Deno.build.os !== "linux",
  // The SDK leaves the timer of its close running.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using here = await machine();
    const { home, aichaku } = here;

    const version = JSON.parse((await aichaku("--version", "--json")).stdout);
    assert.deepEqual([version.version, version.compiled], [VERSION, true]);
    assert.match(version.commit ?? "unknown", /^([0-9a-f]{40}(-dirty)?|unknown)$/);

    // Without a daemon: told, and the review works all the same.
    assert.equal((await aichaku("mcp", "--server-status")).code, 3);
    await Deno.writeTextFile(join(home, "bad.py"), "result = eval(input())\n");
    await Deno.writeTextFile(join(home, "bad.ts"), "eval(location.hash);\n");
    const alone = await aichaku("review", "bad.py", "bad.ts");
    assert.equal(alone.code, 1, alone.stderr);
    assert.match(alone.stdout, /bad\.py\n +1:10 .*py-eval[^]*bad\.ts\n +1:1 /);

    await Deno.mkdir(join(home, ".aichaku"), { mode: 0o700 });
    await Deno.writeTextFile(join(home, ".aichaku", "config.json"), PASTED);
    const started = await aichaku("mcp", "--start-server");
    assert.equal(started.code, 0, started.stderr);
    const pid = Number(/Process ID: (\d+)/.exec(started.stdout)?.[1]);
    const url = /URL: (\S+)/.exec(started.stdout)?.[1];
    assert.equal(await Deno.readLink(`/proc/${pid}/exe`), await Deno.realPath(here.binary));

    // The same bytes with the daemon as without.
    const shared = await aichaku("review", "bad.py", "bad.ts");
    assert.deepEqual([shared.code, shared.stdout], [alone.code, alone.stdout]);

    const transport = new StdioClientTransport({
      command: here.binary,
      args: ["mcp", "--stdio", "--server", "everything"],
      env: here.env,
      stderr: "ignore",
    });
    const client = new Client({ name: "real", version: "1" });
    const connecting = client.connect(transport, { timeout: FETCH_MS });
    await within(connecting, "the bridge to the pasted server", FETCH_MS);
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "echo"));
    const result = await client.callTool({ name: "echo", arguments: { message: "alone" } });
    assert.deepEqual(result.content, [{ type: "text", text: "Echo: alone" }]);

    const response = await fetch(`${url}/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "everything__get-sum", arguments: { a: 2, b: 40 } },
      }),
    });
    assert.match(await response.text(), /The sum of 2 and 40 is 42/);

    const status = await aichaku("mcp", "--server-status");
    assert.equal(status.code, 0);
    assert.match(status.stdout, /everything +ready, 2 clients/);
    const programs = await programsBelow(pid);
    assert.ok(programs.includes("node"), programs.join(", "));
    assert.ok(!programs.includes("deno"), programs.join(", "));

    await client.close();
    const stopped = await aichaku("mcp", "--stop-server");
    assert.deepEqual([stopped.code, stopped.stdout], [0, "✅ MCP HTTP/SSE Server stopped\n"]);
    assert.equal((await aichaku("mcp", "--server-status")).code, 3);
    // Nothing of Deno's own: no cache, no download.
    const left = [...Deno.readDirSync(home)].map(({ name }) => name).sort();
    assert.deepEqual(left, [".aichaku", ".npm", "bad.py", "bad.ts", "path"]);
  },
});
