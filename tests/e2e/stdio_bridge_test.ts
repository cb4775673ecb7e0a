/**
 * `aichaku mcp --stdio`: what a client that speaks only stdio notices, with the daemon coming, going and
 * forgetting.
 */

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { DaemonFixture, homeTest } from "../fixtures/daemon.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const config = { mcpServers: { m: misbehaving() } };

interface Answer {
  id?: unknown;
  method?: string;
  // deno-lint-ignore no-explicit-any -- tests look into answers of every shape
  result?: any;
  // deno-lint-ignore no-explicit-any -- see above
  error?: any;
}

/** A bridge driven by hand: what is written, what comes back, in order. */
class Bridge implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly answers: Answer[] = [];
  readonly #reading: Promise<void>;
  #id = 0;

  constructor(home: DaemonFixture, args: string[] = ["--server", "m"]) {
    this.#child = home.command(["mcp", "--stdio", ...args], { stdin: "piped", stderr: "null" })
      .spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async write(...messages: unknown[]): Promise<void> {
    const lines = messages.map((one) => typeof one === "string" ? one : JSON.stringify(one));
    await this.#writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  /** Sends a request and waits for its answer. */
  async ask(method: string, params: unknown = {}, id: unknown = ++this.#id): Promise<Answer> {
    await this.write({ jsonrpc: "2.0", id, method, params });
    return await this.answerTo(id);
  }

  async answerTo(id: unknown): Promise<Answer> {
    return await eventually(
      () => this.answers.find((one) => one.method === undefined && one.id === id),
      `answer to ${id}`,
    );
  }

  async initialize(): Promise<Answer> {
    const answer = await this.ask("initialize", {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    });
    await this.write({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  async tool(name: string, args: unknown = {}): Promise<Answer> {
    return await this.ask("tools/call", { name, arguments: args });
  }

  /** SIGKILL: whatever it was doing. */
  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await within(this.#child.status, "end of the bridge");
  }

  /** Ends its input. @returns the exit code. */
  async end(): Promise<number> {
    await this.#writer.close();
    const { code } = await within(this.#child.status, "end of the bridge");
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Ended already where the test ended it.
    await this.#writer.close().catch(() => {});
    await within(this.#child.status, "end of the bridge");
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.answers.push(JSON.parse(line));
    }
    assert.equal(rest, "", "the bridge wrote half a line");
  }
}

const textOf = (answer: Answer) => answer.result?.content?.[0]?.text;

homeTest(
  "a bridge starts the daemon, and two of them share one server",
  { config },
  async (home) => {
    await using one = new Bridge(home);
    await using two = new Bridge(home);
    const [first] = await Promise.all([one.initialize(), two.initialize()]);
    assert.equal(first.result.protocolVersion, "2025-11-25");
    const pids = await Promise.all([one.tool("pid"), two.tool("pid")]);
    assert.equal(textOf(pids[0]), textOf(pids[1]));
    const { code } = await home.cli("mcp", "status");
    assert.equal(code, 0);
  },
);

homeTest("everything that was asked before the end of input is answered", {
  referee: { judges: "only ours", because: "one line is no message" },
}, async (home) => {
  await using warm = new Bridge(home, ["--server", "sample"]);
  await warm.initialize();
  // A server that is not started yet may take longer than a client that left its input is waited for.
  await warm.ask("tools/list");
  const bridge = new Bridge(home, ["--server", "sample"]);
  await bridge.write(
    {
      jsonrpc: "2.0",
      id: "i",
      method: "initialize",
      params: {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "bridged", version: "1" },
      },
    },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: 'é"', method: "tools/list" },
    "this is not JSON",
    '{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}',
  );
  assert.equal(await bridge.end(), 0);
  assert.equal(bridge.answers.length, 4);
  assert.equal(bridge.answers.find(({ id }) => id === "i")?.result.protocolVersion, "2025-06-18");
  assert.ok(bridge.answers.find(({ id }) => id === 'é"')?.result.tools.length > 0);
  assert.equal(bridge.answers.find(({ id }) => id === null)?.error.code, -32700);
  assert.deepEqual(bridge.answers.find(({ id }) => typeof id === "number")?.result, {});
});

homeTest("a restart of the daemon goes unnoticed, and so does its sudden death", {
  config,
}, async (home) => {
  await using bridge = new Bridge(home);
  await bridge.initialize();
  assert.equal(textOf(await bridge.tool("echo", { text: "before" })), "before");
  const before = home.instanceId;
  assert.equal((await home.cli("mcp", "--restart-server")).code, 0);
  assert.notEqual(home.instanceId, before);
  assert.equal(textOf(await bridge.tool("echo", { text: "after" })), "after");
  await home.kill9();
  const again = await bridge.tool("echo", { text: "again" });
  assert.equal(textOf(again), "again", JSON.stringify(again));
});

homeTest("a session that the daemon forgot is begun again with the client's own words", {
  config,
}, async (home) => {
  await using bridge = new Bridge(home);
  await bridge.initialize();
  assert.equal((await home.cli("mcp", "--stop-server")).code, 0);
  await Deno.remove(home.paths.sessionsDb);
  const texts = ["anew", "and", "all", "at", "once"];
  const answers = await Promise.all(texts.map((text) => bridge.tool("echo", { text })));
  assert.deepEqual(answers.map(textOf), texts);
  const status = await home.cli("mcp", "status");
  assert.match(status.stdout, /m +ready, 1 client\n/, "one session for all of them");
  const inits = bridge.answers.filter(({ result }) => result?.protocolVersion !== undefined);
  assert.equal(inits.length, 1, "the second initialize is the bridge's own business");
});

homeTest("a call under way when the daemon dies gets exactly one error, and is not repeated", {
  config,
}, async (home) => {
  await using bridge = new Bridge(home);
  await bridge.initialize();
  const call = bridge.ask("tools/call", { name: "hold", arguments: { key: "k" } }, "held");
  await bridge.tool("waiting", { key: "k", count: 1 });
  await home.kill9();
  const answer = await call;
  assert.equal(answer.error.code, -32014);
  assert.equal(answer.error.data.retryable, false);
  const count = JSON.parse(textOf(await bridge.tool("count")));
  assert.equal(count.calls.hold ?? 0, 0, "the new process saw the call of the old one");
  assert.equal(bridge.answers.filter(({ id }) => id === "held").length, 1);
});

homeTest("clients that are killed under their calls leave nothing behind for the next ones", {
  config,
}, async (home) => {
  await using bystander = new Bridge(home);
  await bystander.initialize();
  for (let round = 1; round <= 5; round++) {
    await using victim = new Bridge(home);
    await victim.initialize();
    const params = { name: "hold", arguments: { key: "k", text: "for nobody" } };
    await victim.write({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    await bystander.tool("waiting", { key: "k", count: round });
    await victim.kill9();
    assert.equal(
      textOf(await bystander.tool("echo", { text: `round ${round}` })),
      `round ${round}`,
    );
  }
  const { code, stdout } = await home.cli("mcp", "status");
  assert.equal(code, 0);
  assert.match(stdout, /m +ready, 6 clients/);
  // Their calls are still the server's; nobody else hears of them.
  await bystander.tool("release", { key: "k" });
  assert.ok(!JSON.stringify(bystander.answers).includes("for nobody"));
});

homeTest("an unknown server is an error that names the known ones", { config }, async (home) => {
  await using bridge = new Bridge(home, ["--server", "nobody"]);
  const { error } = await bridge.initialize();
  assert.deepEqual([error.code, error.data.reason], [-32602, "invalid_params"]);
  assert.match(error.message, /Unknown server "nobody"; configured are: .*\bm\b/);
});

homeTest("the daemon's own errors come through as they are", {
  referee: { judges: "only ours", because: "a message is too long" },
  config,
}, async (home) => {
  await using bridge = new Bridge(home);
  await bridge.initialize();
  const held = bridge.ask("tools/call", { name: "hold", arguments: { key: "k" } }, "twice");
  await bridge.tool("waiting", { key: "k", count: 1 });
  await bridge.write({ jsonrpc: "2.0", id: "twice", method: "ping" });
  assert.equal((await held).error.code, -32600);
  const big = await bridge.ask("tools/call", {
    name: "echo",
    arguments: { text: "x".repeat(5 * 1024 * 1024) },
  });
  assert.match(big.error.message, /longer than 4194304 bytes/);
  await bridge.tool("release", { key: "k" });
});

homeTest("a message too long for the daemon costs no call beside it, and a long one is answered", {
  referee: { judges: "only ours", because: "a message is too long" },
  config,
}, async (home) => {
  await using bridge = new Bridge(home);
  await bridge.initialize();
  const params = { name: "hold", arguments: { key: "k", text: "held all the time" } };
  const held = bridge.ask("tools/call", params, "held");
  await bridge.tool("waiting", { key: "k", count: 1 });
  const long = "é".repeat(1_500_000);
  assert.equal(textOf(await bridge.tool("echo", { text: long })), long);
  const refused = await bridge.tool("echo", { text: "x".repeat(5 * 1024 * 1024) });
  assert.match(refused.error.message, /longer than 4194304 bytes/);
  await bridge.tool("release", { key: "k" });
  assert.equal(textOf(await held), "held all the time");
  const { stdout } = await home.cli("mcp", "status");
  assert.match(stdout, /m +ready, 1 client\n/);
});

homeTest("a daemon whose socket is gone is asked over HTTP", {
  config,
}, async (home) => {
  await using first = new Bridge(home);
  await first.initialize();
  assert.equal(textOf(await first.tool("echo", { text: "by the socket" })), "by the socket");
  // A daemon that is asked for its socket, and has none there any more.
  await Deno.remove(home.paths.socket);
  await using second = new Bridge(home);
  await second.initialize();
  assert.equal(textOf(await second.tool("echo", { text: "by HTTP" })), "by HTTP");
  assert.equal(textOf(await first.tool("echo", { text: "still there" })), "still there");
});

homeTest("a proxy in the environment sees nothing of what the SDK asks its daemon", {
  config,
  env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
}, async (home) => {
  assert.equal((await home.cli("mcp", "start")).code, 0);
  const client = new URL("../../client/mod.ts", import.meta.url).href;
  const code = `import { AichakuClient } from ${JSON.stringify(client)};
    const client = new AichakuClient({ server: "m", mode: "daemon" });
    console.log(JSON.stringify(await client.callTool("echo", { text: "straight" })));`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--config",
      config,
      `data:text/typescript,${encodeURIComponent(code)}`,
    ],
    env: home.env,
    clearEnv: true,
  }).output();
  const { content } = JSON.parse(new TextDecoder().decode(stdout) || "{}");
  assert.deepEqual(content, [{ type: "text", text: "straight" }], new TextDecoder().decode(stderr));
});

Deno.test({
  name: "the official SDK's client works through the bridge, over all servers",
  // The SDK leaves the timer of its close running.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using home = await DaemonFixture.create({ config });
    const { command, args, env } = program(home);
    const transport = new StdioClientTransport({ command, args, env, stderr: "ignore" });
    const client = new Client({ name: "sdk", version: "1" });
    await client.connect(transport);
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }: { name: string }) => name === "m__echo"));
    const result = await client.callTool({ name: "m__echo", arguments: { text: "hello" } });
    assert.deepEqual(result.content, [{ type: "text", text: "hello" }]);
    await client.close();
  },
});

/**
 * The bridge's command line for somebody else's spawn. The SDK adds the `SHELL` of whoever runs the test
 * where it is not given: the first server would wait for that shell's start-up files.
 */
function program(home: DaemonFixture) {
  const { command, args } = home.program;
  return { command, args: [...args, "mcp", "--stdio"], env: { ...home.env, SHELL: "" } };
}
