import assert from "node:assert/strict";
import { join } from "@std/path";
import { ConfigError, parseConfig } from "./load.ts";
import { PROJECT_MARK } from "./project.ts";
import type { BrokenEntry, RemoteEntry, ServerEntry, StdioEntry } from "./types.ts";

interface Options {
  env?: Record<string, string>;
  file?: string;
  home?: string;
}

async function read(
  entry: unknown,
  { env = {}, file = "/etc/aichaku/c.json", home }: Options = {},
) {
  const text = JSON.stringify({ mcpServers: { it: entry } });
  const config = await parseConfig(text, { file, env, home: home ?? "/home/ada" });
  const [first, ...rest] = config.warnings;
  return {
    entry: config.servers.get("it") as ServerEntry,
    warnings: config.warnings,
    onlyWarning: rest.length === 0 ? first : undefined,
  };
}

async function stdio(entry: unknown, options?: Options): Promise<StdioEntry> {
  const result = await read(entry, options);
  assert.equal(result.entry.kind, "stdio", JSON.stringify(result));
  return result.entry as StdioEntry;
}

async function remote(entry: unknown, options?: Options): Promise<RemoteEntry> {
  const result = await read(entry, options);
  assert.equal(result.entry.kind, "remote", JSON.stringify(result));
  return result.entry as RemoteEntry;
}

/** The problem of an entry that cannot run; also makes sure that it was warned about, with its place. */
async function broken(entry: unknown, options?: Options): Promise<string> {
  const result = await read(entry, options);
  assert.equal(result.entry.kind, "broken", JSON.stringify(result));
  const { problem } = result.entry as BrokenEntry;
  assert.match(problem, /\(\S*c\.json:1:\d+\)/);
  assert.ok(result.warnings.some((text) => /c\.json:1:\d+: server "it" cannot run: /.test(text)));
  return problem;
}

async function refusal(entry: unknown, options?: Options): Promise<string> {
  try {
    await read(entry, options);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(entry)} was taken` });
}

Deno.test("a process gets what its entry says and the defaults for the rest", async () => {
  assert.deepEqual((await read({ command: "npx" })).entry, {
    kind: "stdio",
    name: "it",
    command: "npx",
    args: [],
    env: {},
    cwd: undefined,
    usesProject: false,
    startTimeoutMs: 60_000,
    callTimeoutMs: 600_000,
    idleTimeoutMs: 600_000,
    sharing: { mode: "auto", from: "default" },
  });
  const env = { A: "one", B: "two" };
  const full = {
    type: "stdio",
    command: "run-${A}",
    args: ["${B}", "$B"],
    env: { X: "${A}", Y: "${Z:-three}" },
    cwd: "/srv/${A}",
    startTimeout: "5s",
    callTimeout: 1_500,
  };
  const result = await read(full, { env });
  assert.deepEqual(result.warnings, []);
  assert.deepEqual(result.entry, {
    kind: "stdio",
    name: "it",
    command: "run-one",
    args: ["two", "$B"],
    env: { X: "one", Y: "three" },
    cwd: "/srv/one",
    usesProject: false,
    startTimeoutMs: 5_000,
    callTimeoutMs: 1_500,
    idleTimeoutMs: 600_000,
    sharing: { mode: "auto", from: "default" },
  });
});

Deno.test("paths start at the home folder or the configuration's, never where the daemon started", async () => {
  assert.equal((await stdio({ command: "~/bin/x" })).command, "/home/ada/bin/x");
  assert.equal((await stdio({ command: "./bin/x" })).command, "/etc/aichaku/bin/x");
  assert.equal((await stdio({ command: "./bin/x", cwd: "/srv" })).command, "/srv/bin/x");
  assert.equal((await stdio({ command: "x", cwd: "~" })).cwd, "/home/ada");
  assert.equal((await stdio({ command: "x", cwd: "work" })).cwd, "/etc/aichaku/work");
  assert.equal((await stdio({ command: "x", cwd: "" })).cwd, undefined);
  // Only what is written counts as a tilde, not what comes out of a variable; and no shell is asked.
  assert.equal(
    (await stdio({ command: "x", cwd: "${D}" }, { env: { D: "~/a" } })).cwd,
    "/etc/aichaku/~/a",
  );
  assert.deepEqual((await stdio({ command: "x", args: ["~/a"] })).args, ["~/a"]);
  assert.match(
    await broken({ command: "x", cwd: "${PWD}/a" }, { env: { PWD: "/p" } }),
    /\$\{PWD\}/,
  );
});

Deno.test("a command line in one string is kept as it is and warned about without being shown", async () => {
  for (const command of ["npx -y foo", "KEY=s3cr3t npx foo", "./run --key s3cr3t"]) {
    const { entry, onlyWarning } = await read({ command });
    assert.equal((entry as StdioEntry).command, command);
    assert.match(onlyWarning!, /c\.json:1:\d+: .*contains spaces.*put each argument into "args"/);
    assert.ok(!onlyWarning!.includes("s3cr3t"));
  }
});

Deno.test("a program whose path really has spaces is no reason to warn", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "my server");
    await Deno.writeTextFile(file, "");
    const config = join(folder, "c.json");
    const { entry, warnings } = await read({ command: file }, { file: config });
    assert.equal((entry as StdioEntry).command, file);
    assert.deepEqual(warnings, []);
    assert.equal((await stdio({ command: "./my server" }, { file: config })).command, file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an env file adds its variables, and the entry's own win", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "keys.env"), "export A=1\nB='two ${A}'\n");
    const file = join(folder, "c.json");
    for (const envFile of ["keys.env", "~/keys.env", "${DIR}/keys.env", join(folder, "keys.env")]) {
      const entry = { command: "x", envFile, env: { A: "own" } };
      assert.deepEqual(
        (await stdio(entry, { file, home: folder, env: { DIR: folder } })).env,
        { A: "own", B: "two ${A}" },
      );
    }
    assert.match(
      await broken({ command: "x", envFile: "none.env" }, { file }),
      /none\.env.*does not exist/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a variable that is not set fails that server and is named with its place", async () => {
  const place = { command: ["command"], url: ["url"], cwd: ["cwd"], envFile: ["envFile"] };
  for (const key of Object.keys(place)) {
    const entry = key === "url" ? { url: "https://${NOPE}/" } : { command: "x", [key]: "${NOPE}" };
    assert.match(
      await broken(entry),
      new RegExp(`"${key}": the environment variable NOPE is not set`),
    );
  }
  assert.match(await broken({ command: "x", args: ["a", "${NOPE}"] }), /"args"\[1\]: .*NOPE/);
  assert.match(await broken({ command: "x", env: { K: "${NOPE}" } }), /"env"."K": .*NOPE/);
  assert.match(
    await broken({ url: "https://a", headers: { K: "${NOPE}" } }),
    /"headers"."K": .*NOPE/,
  );
  assert.match(await broken({ command: "x", callTimeout: "${NOPE}" }), /"callTimeout": .*NOPE/);
  const two = await broken({ command: "${ONE}", args: ["${TWO}"] });
  assert.match(two, /ONE.*; .*TWO/);
});

Deno.test("${input:…} fails that server and tells to use a variable", async () => {
  assert.match(await broken({ command: "x", env: { K: "${input:key}" } }), /write \$\{VARIABLE\}/);
});

Deno.test("the project stands as its mark in args, env and cwd, whichever word asks for it", async () => {
  const plain = { args: ["-x"], env: { K: "v" }, cwd: "/srv" };
  assert.equal((await stdio({ command: "x", ...plain })).usesProject, false);
  for (const word of ["project", "workspaceFolder", "workspaceFolder:a", "CLAUDE_PROJECT_DIR:-."]) {
    const written = { args: [`a\${${word}}b`], env: { K: `\${${word}}` }, cwd: `\${${word}}/a` };
    const read = {
      args: [`a${PROJECT_MARK}b`],
      env: { K: PROJECT_MARK },
      cwd: `${PROJECT_MARK}/a`,
    };
    for (const key of ["args", "env", "cwd"] as const) {
      const { args, env, cwd, usesProject } = await stdio({
        command: "x",
        ...plain,
        [key]: written[key],
      });
      assert.deepEqual({ args, env, cwd }, { ...plain, [key]: read[key] });
      assert.equal(usesProject, true);
    }
  }
});

Deno.test("a server with a project runs in it, unless its entry names a folder", async () => {
  assert.equal((await stdio({ command: "x", args: ["${project}"] })).cwd, PROJECT_MARK);
  assert.equal((await stdio({ command: "x", args: ["${project}"], cwd: "~" })).cwd, "/home/ada");
  assert.match(
    await broken({ command: "x", cwd: "work/${project}" }),
    /"cwd" has something before the folder of the project/,
  );
});

Deno.test("a project never decides which program runs", async () => {
  const relative = { command: "./bin/x", cwd: "${project}" };
  assert.match(
    await broken(relative),
    /"command" would be looked for in the folder of the project/,
  );
  // Without a folder of its own, a relative program is beside the configuration as ever.
  const beside = await stdio({ command: "./bin/x", args: ["${project}"] });
  assert.equal(beside.command, "/etc/aichaku/bin/x");
});

Deno.test("nothing but the project can be taken for it", async () => {
  const text = `a${PROJECT_MARK}b`;
  const places = [{ args: [text] }, { env: { K: text } }, { cwd: text }, { command: text }];
  for (const entry of places) {
    assert.match(await broken({ command: "x", ...entry }), /: it holds a NUL character; remove it/);
  }
  const fromVariable = { command: "x", args: ["${A}${project}"] };
  assert.match(await broken(fromVariable, { env: { A: text } }), /variable A holds a NUL/);
});

Deno.test("${project} in any other place refuses the file, an editor's word only that server", async () => {
  const places = [
    { command: "@/x" },
    { command: "x", envFile: "@/.env" },
    { url: "https://a/@" },
    { url: "https://a/", headers: { K: "@" } },
    { command: "x", callTimeout: "@" },
  ];
  for (const entry of places) {
    const own = JSON.parse(JSON.stringify(entry).replace("@", "${project}"));
    const refused = await refusal(own);
    assert.match(
      refused,
      /^\/etc\/aichaku\/c\.json:1:\d+: server "it": .*\$\{project\}.*only in "args"/,
    );
    const foreign = JSON.parse(JSON.stringify(entry).replace("@", "${workspaceFolder}"));
    assert.match(await broken(foreign), /depends on the folder of a project/);
  }
});

Deno.test("a remote server is recognized by its url, and its kind by type, scheme or path", async () => {
  const kinds: [Record<string, unknown>, string][] = [
    [{ url: "https://a/mcp" }, "http"],
    [{ url: "https://a/sse" }, "sse"],
    [{ url: "https://a/sse/?x=1" }, "sse"],
    [{ url: "https://a/sse", type: "http" }, "http"],
    [{ url: "wss://a/ws" }, "ws"],
    [{ url: "https://a", type: "streamable-http" }, "http"],
    [{ url: "https://a", type: "streamableHttp" }, "http"],
    [{ url: "https://a", type: "streamable_http" }, "http"],
    [{ url: "https://a", transport: "sse" }, "sse"],
    [{ url: "ws://a", type: "WebSocket" }, "ws"],
  ];
  for (const [entry, type] of kinds) {
    assert.equal((await remote(entry)).type, type, JSON.stringify(entry));
  }
  const entry = { url: "https://a/${P}", headers: { Authorization: "Bearer ${T}" } };
  assert.deepEqual(await remote(entry, { env: { P: "p", T: "t" } }), {
    kind: "remote",
    name: "it",
    type: "http",
    url: "https://a/p",
    headers: { Authorization: "Bearer t" },
    startTimeoutMs: 60_000,
    callTimeoutMs: 600_000,
    idleTimeoutMs: 600_000,
    sharing: { mode: "auto", from: "default" },
  });
});

Deno.test("a url or header that cannot work fails that server without being shown", async () => {
  for (const url of ["s3cr3t", "unix:///s3cr3t", "ftp://s3cr3t", "ws://s3cr3t"]) {
    const problem = await broken({ type: "http", url });
    assert.match(problem, /begins with "http:\/\/" or "https:\/\/"/);
    assert.ok(!problem.includes("s3cr3t"));
  }
  assert.match(await broken({ type: "ws", url: "http://a" }), /"ws:\/\/" or "wss:\/\/"/);
  assert.match(await broken({ type: "http" }), /has no "url"/);
  for (const headers of [{ "a b": "s3cr3t" }, { a: "s3cr3t\nx" }, { a: "s3cr3t €" }]) {
    const problem = await broken({ url: "https://a", headers });
    assert.match(problem, /cannot be sent as an HTTP header/);
    assert.ok(!problem.includes("s3cr3t"));
  }
});

Deno.test("an entry that cannot be told apart fails alone", async () => {
  assert.match(await broken({}), /neither "command" nor "url"/);
  assert.match(
    await broken({ type: "carrier-pigeon", command: "x" }),
    /"carrier-pigeon" is not known/,
  );
  assert.match(await broken({ type: "stdio" }), /"command" is missing or empty/);
  assert.match(await broken({ command: " " }), /"command" is missing or empty/);
  assert.match(await broken({ command: "a\0b" }), /NUL/);
  assert.match(
    await broken({ command: "x", env: { "A=B": "1" } }),
    /cannot be the name of a variable/,
  );
});

Deno.test("keys of the other kind of server have no effect and are warned about", async () => {
  const process = await read({ command: "x", url: "https://a", headers: {} });
  assert.equal(process.entry.kind, "stdio");
  assert.equal(
    process.warnings.filter((text) => /has no effect on a stdio server/.test(text)).length,
    2,
  );
  const far = await read({ type: "http", url: "https://a", command: "x", env: {} });
  assert.equal(far.entry.kind, "remote");
  assert.equal(
    far.warnings.filter((text) => /has no effect on a remote server/.test(text)).length,
    2,
  );
  const inside = await read({ builtin: "sample", args: [] });
  assert.equal(inside.entry.kind, "builtin");
  assert.match(inside.onlyWarning!, /"args" has no effect on a built-in server/);
});

Deno.test("wrong types refuse the file with place and remedy, and show no value that may be secret", async () => {
  const cases: [unknown, RegExp][] = [
    ["s3cr3t", /:1:21: server "it" is a string: it must be an object/],
    [null, /server "it" is null: it must be an object/],
    [[], /server "it" is an array: it must be an object/],
    [{ command: ["s3cr3t"] }, /"command" is an array: it must be a string, the program alone/],
    [{ command: "x", args: "s3cr3t" }, /"args" is a string: it must be an array of strings/],
    [{ command: "x", args: ["a", 3] }, /"args"\[1\] is a number: it must be an array of strings/],
    [{ command: "x", env: ["s3cr3t"] }, /"env" is an array: it must be an object of strings/],
    [{ command: "x", env: { K: ["s3cr3t"] } }, /"env"."K" is an array: it must be a string/],
    [{ url: 5 }, /"url" is a number: it must be a URL/],
    [{ url: "https://a", headers: { K: 5 } }, /"headers"."K" is a number: it must be a string/],
    [{ command: "x", cwd: true }, /"cwd" is a boolean: it must be a folder/],
    [{ command: "x", envFile: 1 }, /"envFile" is a number: it must be a path/],
    [{ command: "x", disabled: "yes" }, /"disabled" is "yes": it must be true or false/],
    [{ command: "x", type: 1 }, /"type" is 1: it must be one of/],
    [{ builtin: "other" }, /"builtin" is "other": it must be "reviewer" or "sample"/],
    [{ type: "builtin" }, /"it" is no built-in server: add "builtin"/],
    [{ command: "x", sharing: "all" }, /"sharing" is "all": it must be "auto"/],
    [{ command: "x", retry: true }, /"retry" is true: it must be "idempotent"/],
    [
      { command: "x", callTimeout: "soon" },
      /"callTimeout" is "soon": it must be a duration such as/,
    ],
    [{ command: "x", callTimeout: 0 }, /"callTimeout" is 0: it must be a duration/],
    [{ command: "x", startTimeout: {} }, /"startTimeout" is an object: it must be a duration/],
  ];
  for (const [entry, pattern] of cases) {
    const message = await refusal(entry);
    assert.match(message, pattern);
    assert.match(message, /^\/etc\/aichaku\/c\.json:1:\d+: /);
    assert.ok(!message.includes("s3cr3t"), message);
  }
});

Deno.test("a key that is null counts as not given", async () => {
  const { entry, warnings } = await read({
    command: "x",
    args: null,
    env: null,
    cwd: null,
    type: null,
  });
  assert.deepEqual([entry.kind, warnings], ["stdio", []]);
});

Deno.test("env takes what VS Code takes: numbers and booleans as text, null as absence", async () => {
  const { entry, warnings } = await read({
    command: "x",
    env: { A: 3000, B: true, C: null, D: "d" },
  });
  assert.deepEqual((entry as StdioEntry).env, { A: "3000", B: "true", D: "d" });
  assert.equal(warnings.length, 3);
});

Deno.test("a variable without braces is passed on as it is, and told without its value", async () => {
  const { entry, onlyWarning } = await read({ command: "x", env: { K: "$S3CR3T" } });
  assert.deepEqual((entry as StdioEntry).env, { K: "$S3CR3T" });
  assert.match(onlyWarning!, /"env"."K".*write \$\{NAME\}/);
  assert.ok(!onlyWarning!.includes("S3CR3T"));
});

Deno.test("sharing is what the entry says, else what is known of the server, else auto", async () => {
  const args = ["-y", "@playwright/mcp@latest"];
  const why = "it drives a browser, and its open pages belong to one client";
  const known = { mode: "session", from: "known", why, exclusive: true };
  assert.deepEqual((await stdio({ command: "npx", args })).sharing, known);
  const package_ = { command: "npx", args: ["${PACKAGE}"] };
  assert.deepEqual((await stdio(package_, { env: { PACKAGE: args[1]! } })).sharing, known);
  for (const mode of ["auto", "shared", "serial", "session"]) {
    const { sharing } = await stdio({ command: "npx", args, sharing: mode });
    assert.deepEqual(sharing, { mode, from: "config", exclusive: true });
  }
  const unknown = { mode: "auto", from: "default" };
  assert.deepEqual((await stdio({ command: "npx", args: ["-y", "other"] })).sharing, unknown);
  assert.deepEqual((await remote({ url: "https://playwright-mcp/mcp" })).sharing, unknown);
});

Deno.test("a server is stopped when it was idle for as long as its entry says, or never", async () => {
  const cases: [unknown, number | undefined][] = [
    ["15m", 900_000],
    [5_000, 5_000],
    [0, undefined],
    ["never", undefined],
    ["${T}", undefined],
    [null, 600_000],
  ];
  for (const [idleTimeout, ms] of cases) {
    const entry = { command: "x", idleTimeout };
    assert.equal((await stdio(entry, { env: { T: "never" } })).idleTimeoutMs, ms);
  }
  for (const idleTimeout of [-1, "soon", "0", "25d"]) {
    assert.match(
      await refusal({ command: "x", idleTimeout }),
      /"idleTimeout" is .*: it must be a duration .*; or "never"/,
    );
  }
  assert.match(await refusal({ command: "x", callTimeout: "never" }), /"callTimeout" is "never"/);
});

Deno.test("which calls may be repeated is kept, and needs no warning", async () => {
  const { entry, warnings } = await read({ command: "x", retry: "idempotent", sharing: "serial" });
  assert.equal(entry.retry, "idempotent");
  assert.deepEqual(warnings, []);
  assert.ok(!("retry" in (await read({ command: "x" })).entry));
});

Deno.test("keys that live on every prototype mean nothing here", async () => {
  const text =
    `{"mcpServers": {"it": {"command": "x", "env": {"__proto__": "a", "constructor": "b"},
    "__proto__": {"url": "https://a"}, "toString": 1}}}`;
  const { servers, warnings } = await parseConfig(text, { file: "/c.json", env: {}, home: "/h" });
  const entry = servers.get("it") as StdioEntry;
  assert.deepEqual(Object.entries(entry.env), [["__proto__", "a"], ["constructor", "b"]]);
  assert.equal(warnings.filter((warning) => warning.includes("is not known")).length, 2);
});
