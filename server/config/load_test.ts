import assert from "node:assert/strict";
import { join } from "@std/path";
import fc from "fast-check";
import { ConfigError, loadConfig, type LoadOptions, parseConfig } from "./load.ts";
import { DEFAULT_LIMITS } from "./settings.ts";
import type { Config } from "./types.ts";

async function withFile<T>(
  content: string | Uint8Array | undefined,
  use: (options: LoadOptions) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "config.json");
    if (typeof content === "string") await Deno.writeTextFile(file, content);
    else if (content) await Deno.writeFile(file, content);
    return await use({ file, required: false, env: {}, home: folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function parse(text: string, env: Record<string, string> = {}): Promise<Config> {
  return parseConfig(text, { file: "/etc/c.json", env, home: "/home/ada" });
}

async function refusal(action: Promise<unknown>): Promise<ConfigError> {
  try {
    await action;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it was taken" });
}

function kinds(config: Config): [string, string][] {
  return [...config.servers].map(([name, { kind }]) => [name, kind]);
}

Deno.test("without a file both built-in servers run, on the default address", async () => {
  await withFile(undefined, async (options) => {
    assert.deepEqual(await loadConfig(options), {
      server: {
        host: "127.0.0.1",
        port: 7182,
        tcpPort: undefined,
        allowedHosts: [],
        allowedOrigins: [],
        requireToken: false,
        projectRoots: [options.home],
        idleTimeoutMs: undefined,
        loginShell: true,
        limits: DEFAULT_LIMITS,
      },
      servers: new Map(
        (["reviewer", "sample"] as const).map((name) => [name, {
          kind: "builtin",
          name,
          builtin: name,
          startTimeoutMs: 60_000,
          callTimeoutMs: 600_000,
          idleTimeoutMs: 600_000,
          sharing: { mode: "auto", from: "default" },
        }]),
      ),
      disabled: [],
      warnings: [],
      source: undefined,
    });
  });
});

Deno.test("a file that was asked for must be there", async () => {
  await withFile(undefined, async (options) => {
    const error = await refusal(loadConfig({ ...options, required: true }));
    assert.ok(error.message.startsWith(`${options.file}: `));
    assert.match(error.message, /no such configuration file: create it/);
  });
});

Deno.test("a file that cannot be read or is no text says so", async () => {
  await withFile(undefined, async (options) => {
    await Deno.mkdir(options.file);
    assert.match(
      (await refusal(loadConfig(options))).message,
      /cannot be read: it is a folder; name/,
    );
  });
  await withFile(new Uint8Array([0x7b, 0xff, 0x7d]), async (options) => {
    assert.match(
      (await refusal(loadConfig(options))).message,
      /config\.json:1:1: .*save it as UTF-8/,
    );
  });
});

Deno.test("a file saved with a byte order mark, in UTF-8 or UTF-16, is read", async () => {
  const text = '\uFEFF{ "server": { "port": 8123 } }';
  const littleEndian = new Uint8Array(
    new Uint16Array([...text].map((c) => c.charCodeAt(0))).buffer,
  );
  const bigEndian = littleEndian.map((_, index) => littleEndian[index ^ 1]!);
  for (const content of [text, littleEndian, bigEndian]) {
    await withFile(content, async (options) => {
      const { server, source } = await loadConfig(options);
      assert.deepEqual([server.port, source], [8123, options.file]);
    });
  }
});

Deno.test("with a file only the reviewer is added, unless the file asks or declines", async () => {
  const servers = async (mcpServers: unknown) => kinds(await parse(JSON.stringify({ mcpServers })));
  assert.deepEqual(kinds(await parse("{}")), [["reviewer", "builtin"]]);
  assert.deepEqual(await servers({ a: { command: "x" } }), [["a", "stdio"], [
    "reviewer",
    "builtin",
  ]]);
  for (const sample of [{ type: "builtin" }, { builtin: "sample" }, {}]) {
    assert.deepEqual(await servers({ sample }), [["sample", "builtin"], ["reviewer", "builtin"]]);
  }
  assert.deepEqual(await servers({ sample: { disabled: true } }), [["reviewer", "builtin"]]);
  assert.deepEqual(await servers({ reviewer: { disabled: true } }), []);
  assert.deepEqual(await servers({ reviewer: { enabled: false } }), []);
  assert.deepEqual(await servers({ reviewer: { command: "x" } }), [["reviewer", "stdio"]]);
  assert.deepEqual(await servers({ other: { builtin: "sample" }, reviewer: { disabled: true } }), [
    ["other", "builtin"],
  ]);
  const tuned = await parse('{"mcpServers": {"reviewer": {"callTimeout": "3m"}}}');
  assert.equal(tuned.servers.get("reviewer")!.callTimeoutMs, 180_000);
});

Deno.test("a disabled server is left out, whatever else is wrong with it", async () => {
  const text = '{"mcpServers": {"a": {"command": 3, "unknown": 1, "disabled": true}}}';
  const config = await parse(text);
  assert.deepEqual([kinds(config), config.warnings], [[["reviewer", "builtin"]], []]);
});

Deno.test("disabled servers are known by name, so that they can be told from unknown ones", async () => {
  const { disabled } = await parse(`{
    "mcpServers": {
      "My server": {"command": "x", "disabled": true},
      "reviewer": {"enabled": false},
      "runs": {"command": "x", "disabled": false},
      "both": {"command": "x"}
    },
    "servers": {"both": {"command": "x", "disabled": true}}
  }`);
  assert.deepEqual(disabled, ["My-server", "reviewer"]);
});

Deno.test("servers keep the order of the file", async () => {
  const names = ["z", "10", "a", "2", "m"];
  const body = names.map((name) => `"${name}": {"command": "x"}`).join(",");
  const { servers } = await parse(`{"mcpServers": {${body}}}`);
  assert.deepEqual([...servers.keys()], [...names, "reviewer"]);
});

Deno.test("a name that cannot stand in an address is mapped, and the mapping told", async () => {
  const { servers, warnings } = await parse('{"mcpServers": {\n"My server": {"command": "x"}}}');
  assert.equal(servers.get("My-server")!.name, "My-server");
  assert.match(
    warnings[0]!,
    /^\/etc\/c\.json:2:1: The server "My server" is called "My-server" here/,
  );
});

Deno.test("two servers that would have one name are refused, both named with their places", async () => {
  const error = await refusal(
    parse('{"mcpServers": {\n"a b": {"command": "x"},\n"a-b": {"command": "x"}}}'),
  );
  assert.match(
    error.message,
    /^\/etc\/c\.json:3:1: "a-b" and "a b" \(\/etc\/c\.json:2:1\).*rename one/,
  );
  const disabled = await parse(
    '{"mcpServers": {"a b": {"command": "x"}, "a-b": {"disabled": true}}}',
  );
  assert.ok(disabled.servers.has("a-b"));
});

Deno.test("names that every object has are names like any other", async () => {
  const { servers } = await parse(
    '{"mcpServers": {"__proto__": {"command": "p"}, "constructor": {"command": "c"}}}',
  );
  assert.deepEqual([...servers.keys()], ["_proto_", "constructor", "reviewer"]);
});

Deno.test("a key given twice is told with both lines, and the last one counts", async () => {
  const { servers, warnings } = await parse(
    '{"mcpServers": {\n"a": {"command": "first"},\n"a": {"command": "x",\n"command": "last"}}}',
  );
  const a = servers.get("a")!;
  assert.equal(a.kind === "stdio" && a.command, "last");
  assert.match(warnings[0]!, /"a" stands more than once .* line 2 and line 3; the last counts/);
  assert.match(warnings[1]!, /"command" stands more than once .* line 3 and line 4/);
});

Deno.test("servers under another client's name are read, several side by side", async () => {
  const { servers, warnings } = await parse(JSON.stringify({
    $schema: "https://example.com/schema.json",
    inputs: [],
    servers: { a: { command: "x" } },
    mcp_servers: { b: { command: "x" } },
    context_servers: { c: { command: "x" } },
    mcpServers: { d: { command: "x" } },
  }));
  assert.deepEqual([...servers.keys()], ["a", "b", "c", "d", "reviewer"]);
  assert.equal(warnings.length, 4);
  assert.ok(
    warnings.every((text) =>
      /\((VS Code|Codex|Zed)\) is (read as "mcpServers"|ignored)/.test(text)
    ),
  );
  const twice = '{"servers": {"a": {"command": "x"}}, "mcpServers": {"a": {"command": "y"}}}';
  assert.match((await refusal(parse(twice))).message, /"a" and "a" .* rename one/);
});

Deno.test("an unknown section is a warning, one that is a server outside of its place says so", async () => {
  const { warnings, servers } = await parse(
    '{"docs": {"command": "x"}, "theme": "dark", "mcpServers": null}',
  );
  assert.match(warnings[0]!, /:1:2: "docs" looks like a server .* move it into "mcpServers"/);
  assert.match(warnings[1]!, /"theme" is not known and is ignored/);
  assert.deepEqual([...servers.keys()], ["reviewer"]);
  assert.match(
    (await refusal(parse('{"mcpServers": []}'))).message,
    /:1:16: "mcpServers" is an array/,
  );
});

Deno.test("all problems of a file are told at once, in its order", async () => {
  const error = await refusal(parse(
    '{\n"mcpServers": {\n"a": {"args": 1},\n"b": 2\n},\n"server": {"port": "x",\n"host": 1}}',
  ));
  assert.deepEqual(error.problems.map((text) => text.split(":")[1]), ["3", "4", "6", "7"]);
  assert.equal(error.message, error.problems.join("\n"));
});

Deno.test("the command line wins over the file, with and without one", async () => {
  const override = { host: "::1", port: 0 };
  const parsed = await parseConfig('{"server": {"host": "10.0.0.1", "port": 1}}', {
    file: "/c.json",
    env: {},
    home: "/h",
    override,
  });
  assert.deepEqual([parsed.server.host, parsed.server.port], ["::1", 0]);
  await withFile(undefined, async (options) => {
    const { server } = await loadConfig({ ...options, override });
    assert.deepEqual([server.host, server.port], ["::1", 0]);
    for (const port of [-1, 65_536, 1.5, NaN]) {
      const error = await refusal(loadConfig({ ...options, override: { port } }));
      assert.match(error.message, /^--port is .*from 0 to 65535/);
    }
    const error = await refusal(loadConfig({ ...options, override: { host: "http://x" } }));
    assert.match(error.message, /^--host is "http:\/\/x"/);
  });
});

/** Something of everything that a configuration may hold; the values that may be secret say so. */
const RICH = {
  server: { port: 1, allowedHosts: ["a.example"], limits: { maxSessions: 3 }, idleTimeout: "5m" },
  inputs: [{ id: "key" }],
  mcpServers: {
    "a b": {
      command: "s3cr3t",
      args: ["s3cr3t", "${A}", "${input:x}"],
      env: { K: "s3cr3t", L: "${A:-s3cr3t}", M: "$S3" },
      callTimeout: "2m",
      timeout: 60,
      autoApprove: ["x"],
    },
    far: { url: "https://s3cr3t.example/${A}", headers: { Authorization: "Bearer s3cr3t" } },
    codex: { url: "https://s3cr3t", bearer_token_env_var: "A", http_headers: { X: "s3cr3t" } },
    sample: {},
    ["__proto__"]: { disabled: true },
  },
};

async function outcome(text: string): Promise<string[]> {
  try {
    const { servers, warnings } = await parse(text, { A: "s3cr3t${A}", B: "" });
    for (const [name, entry] of servers) {
      assert.equal(entry.name, name);
      assert.match(name, /^(?!.*__)[A-Za-z0-9._-]{1,64}$/);
      assert.ok(entry.startTimeoutMs >= 1 && entry.callTimeoutMs >= 1);
    }
    return [...warnings, ...[...servers.values()].map((e) => e.kind === "broken" ? e.problem : "")];
  } catch (error) {
    // Anything but a ConfigError is a fault of ours; a bare TypeError would crash the daemon.
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(error.problems.length > 0);
    for (const problem of error.problems) assert.match(problem, /^\/etc\/c\.json:\d+:\d+: ./);
    return [...error.problems];
  }
}

Deno.test("whatever the text, the outcome is a configuration or a ConfigError", async () => {
  const rich = JSON.stringify(RICH, null, 1);
  const cut = fc.tuple(fc.nat(rich.length), fc.nat(12), fc.string({ unit: "binary", maxLength: 6 }))
    .map(([at, length, put]) => rich.slice(0, at) + put + rich.slice(at + length));
  const tokens = fc.array(
    fc.constantFrom(
      ...'{ } [ ] , : null true 1 -1 1e999 "" "a" // /* */ \n \\ \uFEFF'.split(" "),
      '"mcpServers"',
      '"server"',
      '"__proto__"',
      '"command"',
      '"env"',
    ),
    { maxLength: 40 },
  ).map((parts) => parts.join(" "));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string({ unit: "binary" }), fc.json(), cut, tokens),
      async (text) => {
        for (const line of await outcome(text)) assert.ok(!/[\n\r]/.test(line), line);
      },
    ),
    { numRuns: 1_500 },
  );
});

Deno.test("whatever value stands where, nothing throws and no secret is ever told", async () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>("s3cr3t", "s3cr3t ${A} x", ["s3cr3t"], { a: "s3cr3t" }, {
      a: ["s3cr3t"],
    }),
    fc.constantFrom<unknown>(
      "${project}",
      "${A:-${B}}",
      "${PWD}",
      "${NOPE}",
      "~/x",
      "a\0b",
      "",
      "stdio",
    ),
  );
  // The places whose values may be secret; a path into RICH each.
  const place = fc.constantFrom(
    ["command"],
    ["args"],
    ["args", 1],
    ["env"],
    ["env", "K"],
    ["env", "L"],
    ["url"],
    ["headers"],
    ["headers", "Authorization"],
    ["bearer_token_env_var"],
    ["http_headers"],
    ["env_http_headers"],
    ["env_vars"],
    ["unknown"],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("a b", "far", "codex", "sample"),
      place,
      value,
      async (name, path, put) => {
        const config = structuredClone(RICH) as unknown as Record<string, Record<string, unknown>>;
        let target = config.mcpServers![name] as Record<PropertyKey, unknown>;
        for (const step of path.slice(0, -1)) {
          target = (target[step] ??= {}) as Record<PropertyKey, unknown>;
        }
        target[path.at(-1)!] = put;
        for (const line of await outcome(JSON.stringify(config))) {
          assert.ok(!line.includes("s3cr3t"), line);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});
