import assert from "node:assert/strict";
import process from "node:process";
import { fromFileUrl, join } from "@std/path";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as LegacyStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type BuiltinName, isBuiltinName } from "./mod.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** What the tests use of both SDKs' clients. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string; outputSchema?: unknown }[] }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  readResource(params: { uri: string }): Promise<{ contents: unknown[] }>;
  close(): Promise<void>;
}

interface ToolResult {
  content: { type: string; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

type Connect = (name: BuiltinName, home: string) => Promise<AnyClient>;

/** Where this Deno keeps its packages, so that a child with another home need not fetch them anew. */
const DENO_DIR: string = JSON.parse(
  new TextDecoder().decode(
    new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync().stdout,
  ),
).denoDir;

function command(name: BuiltinName, home: string) {
  return {
    command: process.execPath,
    args: ["run", "--quiet", "-A", join(ROOT, "main.ts"), "mcp", "--serve-builtin", name],
    env: { ...Deno.env.toObject(), DENO_DIR, HOME: home, AICHAKU_HOME: join(home, ".aichaku") },
  };
}

const CLIENTS: Record<string, Connect> = {
  async "v1 SDK"(name, home) {
    const client = new LegacyClient({ name: "test", version: "1" });
    await client.connect(new LegacyStdio(command(name, home)));
    return client as AnyClient;
  },
  async "v2 SDK, legacy era"(name, home) {
    const client = new ModernClient({ name: "test", version: "1" });
    await client.connect(new ModernStdio(command(name, home)));
    assert.equal(client.getProtocolEra(), "legacy");
    return client as AnyClient;
  },
  async "v2 SDK, modern era"(name, home) {
    const client = new ModernClient({ name: "test", version: "1" }, {
      versionNegotiation: { mode: "auto" },
    });
    await client.connect(new ModernStdio(command(name, home)));
    assert.equal(client.getProtocolEra(), "modern");
    return client as AnyClient;
  },
};

async function withClient(
  connect: Connect,
  name: BuiltinName,
  test: (client: AnyClient, home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir());
  try {
    const client = await connect(name, home);
    try {
      await test(client, home);
    } finally {
      await client.close();
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function call(client: AnyClient, name: string, args: Record<string, unknown>) {
  return await client.callTool({ name, arguments: args }) as ToolResult;
}

async function read(client: AnyClient, uri: string) {
  const { contents: [content] } = await client.readResource({ uri });
  return JSON.parse((content as { text: string }).text);
}

// Both SDKs leave the timer running that would have killed a server that does not end.
const unsanitized = { sanitizeOps: false, sanitizeResources: false };

for (const [sdk, connect] of Object.entries(CLIENTS)) {
  Deno.test(
    `sample serves its tools and resources to the ${sdk}`,
    unsanitized,
    () =>
      withClient(connect, "sample", async (client, home) => {
        const { tools } = await client.listTools();
        assert.deepEqual(tools.map(({ name }) => name).sort(), ["calculator", "echo"]);

        const sum = await call(client, "calculator", { operation: "add", a: 1.5, b: 2 });
        assert.deepEqual(sum.structuredContent, { result: 3.5 });
        assert.equal(sum.content[0].text, "3.5");
        const zero = await call(client, "calculator", { operation: "divide", a: 1, b: 0 });
        assert.equal(zero.isError, true);
        assert.match(zero.content[0].text, /^Cannot divide 1 by zero/);

        const message = 'quotes " and \\ and \u0000 and\nlines and 😀';
        assert.equal((await call(client, "echo", { message })).content[0].text, message);

        const { resources } = await client.listResources();
        assert.deepEqual(resources.map(({ uri }) => uri).sort(), [
          "config://server",
          "system://info",
        ]);
        const system = await read(client, "system://info");
        assert.equal(system.os, Deno.build.os);
        assert.equal(system.deno, Deno.version.deno);
        assert.ok(system.memory.rss > 0 && system.pid !== Deno.pid);

        assert.deepEqual(await read(client, "config://server"), { file: null, configuration: {} });
        const file = join(home, ".aichaku", "config.json");
        await Deno.mkdir(join(home, ".aichaku"));
        await Deno.writeTextFile(
          file,
          '{ "mcpServers": { "a": { "env": { "X_TOKEN": "abc" } } } }',
        );
        assert.deepEqual(await read(client, "config://server"), {
          file,
          configuration: { mcpServers: { a: { env: { X_TOKEN: "[redacted]" } } } },
        });
      }),
  );

  Deno.test(
    `reviewer reviews contents and contained files for the ${sdk}`,
    unsanitized,
    () =>
      withClient(connect, "reviewer", async (client, home) => {
        const { tools } = await client.listTools();
        assert.deepEqual(tools.map(({ name }) => name), [
          "review_file",
          "review_project",
          "list_rules",
          "explain_rule",
        ]);
        assert.ok(tools.every(({ outputSchema }) => outputSchema));

        const content = "const x = eval(input);\n";
        const given = await call(client, "review_file", { path: "src/a.ts", content });
        assert.deepEqual(JSON.parse(given.content[0].text), given.structuredContent);
        const { findings, ...rest } = given.structuredContent as { findings: unknown[] };
        assert.equal(findings.length, 1);
        assert.deepEqual({ ...rest, rulesVersion: "" }, {
          path: "src/a.ts",
          language: "typescript",
          status: "complete",
          rulesVersion: "",
        });

        const path = join(home, "a.ts");
        await Deno.writeTextFile(path, content);
        const fromFile = await call(client, "review_file", { path });
        assert.deepEqual(fromFile.structuredContent?.findings, findings);

        for (
          const [args, reason] of [
            [{ path: "/etc/hostname" }, /outside the folders|no such file/],
            [{ path: "a.ts" }, /the path is relative/],
            [{ path: join(home, "gone.ts") }, /there is no such file/],
            [{}, /give "content", or the absolute "path"/],
            [{ content, language: "cobol" }, /Cannot review as language "cobol"/],
          ] as const
        ) {
          const refused = await call(client, "review_file", args);
          assert.equal(refused.isError, true, JSON.stringify(args));
          assert.match(refused.content[0].text, reason);
        }
      }),
  );
}

Deno.test("a built-in server ends when its stdin ends, and writes nothing but protocol", async () => {
  const { command: program, args } = command("sample", "/");
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const ping = { jsonrpc: "2.0", id: 7, method: "ping" };
  await writer.write(new TextEncoder().encode(JSON.stringify(ping) + "\n"));
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  assert.deepEqual(JSON.parse(value ?? ""), { jsonrpc: "2.0", id: 7, result: {} });
  await writer.close();
  assert.deepEqual(await reader.read(), { value: undefined, done: true });
  assert.equal((await child.status).code, 0);
});

Deno.test("only the built-in servers are known by name", () => {
  assert.ok(isBuiltinName("reviewer") && isBuiltinName("sample"));
  assert.ok(!isBuiltinName("toString"));
});
