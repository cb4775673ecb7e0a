import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "@std/path";
import { type DaemonFixture, daemonTest, homeTest } from "../../tests/fixtures/daemon.ts";
import { type CommandContext, UsageError } from "../context.ts";
import { runMcp } from "../mcp.ts";

interface World {
  file: string;
  context: CommandContext;
  /** Runs `aichaku mcp ARGS…`. */
  mcp(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** A home without a daemon. */
async function withHome(
  text: string | undefined,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  let stdout = "", stderr = "";
  const context: CommandContext = {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    isTerminal: false,
    isErrorTerminal: false,
    noColor: true,
    cwd: folder,
    self: { command: "aichaku", args: [] },
    env: {
      home: join(folder, "home"),
      userHome: folder,
      port: undefined,
      config: undefined,
      token: undefined,
      bin: undefined,
      autostart: false,
      variables: () => ({}),
    },
  };
  const file = join(folder, "home", "config.json");
  try {
    if (text !== undefined) {
      await Deno.mkdir(join(folder, "home"), { mode: 0o700 });
      await Deno.writeTextFile(file, text);
    }
    await test({
      file,
      context,
      async mcp(...args) {
        stdout = stderr = "";
        const code = await runMcp(args, context);
        return { code, stdout, stderr };
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const TEXT = `{
  // mine
  "mcpServers": {
    "docs": { "url": "https://example.com/mcp" }, // the docs
    "off": { "command": "x", "disabled": true }
  },
  "unknown": true
}
`;

Deno.test("add writes the server, keeps the rest, and leaves a backup", () =>
  withHome(TEXT, async ({ file, mcp }) => {
    const { code, stdout, stderr } = await mcp(
      "add",
      "memory",
      "-e",
      "A=1",
      "--",
      "npx",
      "-y",
      "m",
    );
    deepEqual([code, stdout, stderr], [0, `Added the server memory to ${file}\n`, ""]);
    equal(
      Deno.readTextFileSync(file),
      TEXT.replace(
        '"disabled": true }\n',
        `"disabled": true },
    "memory": {
      "command": "npx",
      "args": ["-y", "m"],
      "env": {
        "A": "1"
      }
    }
`,
      ),
    );
    equal(Deno.readTextFileSync(`${file}.bak`), TEXT);
  }));

Deno.test("add makes the file where there is none, and tells what that changes", () =>
  withHome(undefined, async ({ file, mcp }) => {
    const { code, stderr } = await mcp("add", "docs", "-H", "A: b", "https://example.com/mcp");
    equal(code, 0);
    match(stderr, /the built-in server sample runs only when it is in it: aichaku mcp add-json/);
    const { mcpServers } = JSON.parse(Deno.readTextFileSync(file));
    deepEqual(mcpServers, { docs: { url: "https://example.com/mcp", headers: { A: "b" } } });
    equal((await mcp("add-json", "sample", '{"type":"builtin"}')).stderr, "");
    match((await mcp("list")).stdout, /^sample {4}built in \(sample\)/m);
  }));

Deno.test("a server that is there is replaced only with --force", () =>
  withHome(TEXT, async ({ file, mcp }) => {
    for (const name of ["docs", "off"]) {
      const { code, stdout, stderr } = await mcp("add", name, "--", "new");
      deepEqual([code, stdout], [1, ""]);
      match(stderr, /config\.json:\d:5: There is a server "\w+" already: .* --force\.\n$/);
      equal(Deno.readTextFileSync(file), TEXT);
    }
    const { code, stdout } = await mcp("add", "docs", "--force", "--", "new");
    deepEqual([code, stdout], [0, `Replaced the server docs in ${file}\n`]);
    const text = Deno.readTextFileSync(file);
    match(text, /"docs": \{\n {6}"command": "new"\n {4}\}, \/\/ the docs\n {4}"off"/);
  }));

Deno.test("nothing is written that would not be a valid configuration", () =>
  withHome(TEXT, async ({ file, mcp }) => {
    const wrong = await mcp("add-json", "x", '{"command":"x","callTimeout":"soon"}');
    equal(wrong.code, 1);
    match(wrong.stderr, /"callTimeout" is "soon": .*\nNothing was written\.\n$/);
    equal(Deno.readTextFileSync(file), TEXT);

    Deno.writeTextFileSync(file, '{ "mcpServers": { ');
    for (const args of [["add", "x", "--", "y"], ["remove", "docs"], ["list"]]) {
      const { code, stderr } = await mcp(...args);
      equal(code, 1);
      match(stderr, /config\.json:1:\d+: Invalid JSON/);
    }
    equal(Deno.readTextFileSync(file), '{ "mcpServers": { ');
    deepEqual([...Deno.readDirSync(join(file, ".."))].map(({ name }) => name), ["config.json"]);
  }));

Deno.test("what keeps a new server from running is told, with its remedy", () =>
  withHome(TEXT, async ({ mcp }) => {
    const args = ["add", "x", "--json", "-e", "T=${MISSING_TOKEN}", "--", "x"];
    const { code, stdout } = await mcp(...args);
    const { warnings, outcome, daemon } = JSON.parse(stdout);
    deepEqual([code, outcome, daemon, warnings.length], [0, "added", "not running", 1]);
    match(warnings[0], /server "x" cannot run: .*MISSING_TOKEN is not set/);
    match((await mcp("list")).stdout, /^x +cannot run +auto +.*MISSING_TOKEN is not set/m);
  }));

Deno.test("remove takes out one server and nothing else", () =>
  withHome(TEXT, async ({ file, mcp }) => {
    const { code, stdout } = await mcp("remove", "docs");
    deepEqual([code, stdout], [0, `Removed the server docs from ${file}\n`]);
    equal(
      Deno.readTextFileSync(file),
      TEXT.replace('"docs": { "url": "https://example.com/mcp" }, ', ""),
    );
    const again = await mcp("remove", "docs");
    equal(again.code, 1);
    match(again.stderr, /There is no server "docs" in it: .*aichaku mcp list/);
    match((await mcp("remove", "reviewer")).stderr, /it is built in; to switch it off: aichaku/);
    await mcp("add", "reviewer", "--", "mine");
    match(
      (await mcp("remove", "reviewer")).stdout,
      /The built-in server reviewer runs in its place/,
    );
  }));

Deno.test("list shows how each server is reached and shared, and no secret", () =>
  withHome(
    `{"mcpServers": {
      "browser": {"command": "npx", "args": ["-y", "@playwright/mcp", "--token", "s3cr3t"]},
      "one": {"url": "https://s3cr3t@example.com/s3cr3t", "sharing": "serial"},
      "per": {"command": "x", "cwd": "\${project}"},
      "off": {"disabled": true}
    }}`,
    async ({ file, mcp }) => {
      const { code, stdout } = await mcp("list");
      equal(code, 0);
      equal(
        stdout,
        `browser   npx @playwright/mcp …  session  session because it drives a browser, and its open pages belong to one client
one       https://example.com/…  serial   serial as configured
per       x                      auto
reviewer  built in (reviewer)    auto
off       disabled
`,
      );
      const data = JSON.parse((await mcp("list", "--json")).stdout);
      ok(!JSON.stringify(data).includes("s3cr3t"));
      deepEqual([data.file, data.running], [file, false]);
      deepEqual(data.servers[1], {
        name: "one",
        kind: "remote",
        type: "http",
        reach: "https://example.com/…",
        sharing: { mode: "serial", from: "config" },
        usesProject: false,
        disabled: false,
      });
      equal(data.servers[2].usesProject, true);
      deepEqual(data.servers[4], { name: "off", disabled: true });
    },
  ));

Deno.test("another file is named by an option or by the environment", () =>
  withHome(TEXT, async ({ file, context, mcp }) => {
    const other = join(context.cwd, "other.json");
    equal((await mcp("add", "x", "--config", "other.json", "--", "y")).code, 0);
    equal((await mcp("--config", other, "add", "z", "--", "y")).code, 0);
    context.env.config = "other.json";
    equal((await mcp("remove", "x")).code, 0);
    deepEqual(Object.keys(JSON.parse(Deno.readTextFileSync(other)).mcpServers), ["z"]);
    equal(Deno.readTextFileSync(file), TEXT);
    context.env.config = "none.json";
    match((await mcp("list")).stderr, /no such configuration file/);
  }));

Deno.test("wrong usage is told before anything is touched", () =>
  withHome(TEXT, async ({ file, mcp }) => {
    const cases: [string[], RegExp][] = [
      [["add"], /aichaku mcp add: the name of the server is missing/],
      [["add", "--", "x"], /the name of the server is missing/],
      [["add", "a b", "--", "x"], /"a b" cannot be the name .* Did you mean a-b\?/],
      [["add", "servers", "--", "x"], /Did you mean servers-mcp\?/],
      [["add", "x", "--prot", "80", "--", "y"], /unknown option --prot/],
      [
        ["add", "x", "npx", "-y", "pkg"],
        /unknown option -y; a command stands behind --, with its own options\. See/,
      ],
      [["add", "x", "http://"], /is no http, https, ws or wss URL; put a command behind --/],
      [["add-json", "x"], /the JSON of the server is missing/],
      [["add-json", "x", "{s3cr3t"], /is not valid JSON/],
      [["add-json", "x", "[]"], /must be an object/],
      [["add-json", "x", "{}", "y"], /quote the JSON/],
      [["remove"], /the name of the server is missing/],
      [["remove", "x", "y"], /unexpected argument "y"/],
      [["list", "x"], /unexpected argument "x"/],
      [["ad", "x"], /unknown action "ad". Did you mean add\?/],
    ];
    for (const [args, message] of cases) {
      await rejects(mcp(...args), (error: Error) => {
        ok(error instanceof UsageError, String(error));
        match(error.message, message);
        ok(!error.message.includes("s3cr3t"));
        return true;
      });
    }
    equal(Deno.readTextFileSync(file), TEXT);
  }));

Deno.test("each action has help of its own", () =>
  withHome(undefined, async ({ mcp }) => {
    for (const action of ["add", "add-json", "remove", "list"]) {
      for (const args of [[action, "--help"], ["-h", action]]) {
        const { code, stdout } = await mcp(...args);
        equal(code, 0);
        ok(stdout.startsWith(`Usage: aichaku mcp ${action} `), stdout);
      }
      match((await mcp("--help")).stdout, new RegExp(`^  ${action} `, "m"));
    }
  }));

homeTest(
  "the program takes the whole command behind --, wherever --json stands",
  {},
  async (home) => {
    const line = ["npx", "--json", "--", "--force"];
    const { code, stdout } = await home.cli("--json", "mcp", "add", "x", "--", ...line);
    equal(code, 0);
    equal(JSON.parse(stdout).outcome, "added");
    const { mcpServers } = JSON.parse(Deno.readTextFileSync(home.paths.configFile));
    deepEqual(mcpServers, { x: { command: "npx", args: line.slice(1) } });
    const wrong = await home.cli("mcp", "add", "x");
    equal(wrong.code, 2);
    equal((await home.cli("mcp", "add", "x", "--", "y")).code, 1);
  },
);

homeTest("of many that add at once, each is in the file afterwards", {}, async (home) => {
  const names = Array.from({ length: 4 }, (_, i) => `s${i}`);
  const added = await Promise.all(names.map((name) => home.cli("mcp", "add", name, "--", "x")));
  deepEqual(added.map(({ code }) => code), names.map(() => 0), JSON.stringify(added));
  const { mcpServers } = JSON.parse(Deno.readTextFileSync(home.paths.configFile));
  deepEqual(Object.keys(mcpServers).sort(), names);
});

const config = { mcpServers: { here: { builtin: "sample" } } };

daemonTest("with a daemon, list has its states, and add says who takes the server up", {
  config,
}, async (daemon: DaemonFixture) => {
  const listed = JSON.parse((await daemon.cli("mcp", "list", "--json")).stdout);
  equal(listed.running, true);
  deepEqual(
    listed.servers.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [["here", "idle"], ["reviewer", "idle"]],
  );
  const own = await daemon.cli("mcp", "add", "next", "--", "x");
  match(own.stdout, /^Added the server next to .*\nThe running daemon takes it up by itself\.\n$/);
  const file = join(daemon.home, "other.json");
  const other = await daemon.cli("mcp", "add", "next", "--config", file, "--", "x");
  match(other.stdout, /\nThe running daemon does not see it: it reads .*config\.json\.\n$/);
  equal(
    JSON.parse((await daemon.cli("mcp", "list", "--json", "--config", file)).stdout).running,
    false,
  );
});

Deno.test("list tells of a misspelt section, which leaves its servers out, and of each fault once", () =>
  withHome(
    '{ "mcpServer": {}, "mcpServers": { "a": { "command": "${NOT_SET}" } } }',
    async (home) => {
      const { code, stdout, stderr } = await home.mcp("list");
      equal(code, 0);
      match(stdout, /^a +cannot run +auto +.*NOT_SET is not set/m);
      match(stderr, /^[^\n]*:1:3: "mcpServer" is not known[^\n]*\n$/);
      const json = JSON.parse((await home.mcp("list", "--json")).stdout);
      equal(json.warnings.length, 1);
    },
  ));

Deno.test("print-config says where the token is, to clients that have to bring it", () =>
  withHome('{ "server": { "requireToken": true } }', async ({ mcp }) => {
    match(
      (await mcp("print-config", "codex")).stderr,
      /its token, which is in \S+token: start the client with it in AICHAKU_TOKEN/,
    );
    equal((await mcp("print-config", "claude-desktop")).stderr.includes("AICHAKU_TOKEN"), false);
  }));
