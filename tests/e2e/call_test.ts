/** `aichaku tools` and `aichaku call`: with a daemon, without one, and what a user mistypes. */

import assert from "node:assert/strict";
import { type CliResult, type DaemonFixture, daemonTest, homeTest } from "../fixtures/daemon.ts";
import { misbehaving } from "./support/servers.ts";

/** Runs the program with something on its standard input. */
async function withInput(
  daemon: DaemonFixture,
  args: string[],
  input: string,
): Promise<CliResult> {
  const child = daemon.command(args, { stdin: "piped" }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The same calls, whatever carries them. */
async function callEverything(daemon: DaemonFixture): Promise<CliResult[]> {
  const add = ["call", "sample", "calculator"];
  return [
    await daemon.cli("tools", "sample"),
    await daemon.cli("tools", "sample", "--json"),
    await daemon.cli(...add, "operation=add", "a=1", "b=2"),
    await daemon.cli(...add, "--args", '{"operation":"divide","a":1,"b":0}'),
    await withInput(daemon, [...add, "-"], '{"operation":"multiply","a":6,"b":7}'),
    await daemon.cli("call", "sample", "echo", "message=12", "--json"),
    await daemon.cli("call", "sample", "echo", "message=línea\n2"),
  ];
}

daemonTest("call: built-in servers, the same with the daemon as without", {}, async (daemon) => {
  const over = await callEverything(daemon);
  const calls = await daemon.health();
  assert.equal(calls.servers.sample, "ready", "the daemon was not asked");
  assert.equal((await daemon.cli("mcp", "--stop-server")).code, 0);
  assert.deepEqual(await callEverything(daemon), over);
  const [tools, json, sum, division, product, echo, plain] = over;
  assert.match(tools.stdout, /^calculator\n {2}Adds.*\n {4}operation {2}one of "add", .*required/);
  assert.equal(JSON.parse(json.stdout)[0].name, "calculator");
  assert.deepEqual(sum, { code: 0, stdout: '{\n  "result": 3\n}\n', stderr: "" });
  assert.equal(division.code, 1);
  assert.equal(division.stdout, "");
  assert.notEqual(division.stderr, "");
  assert.deepEqual(JSON.parse(product.stdout), { result: 42 });
  assert.equal(JSON.parse(echo.stdout).content[0].text, "12");
  assert.deepEqual(plain, { code: 0, stdout: "línea\n2\n", stderr: "" });
});

homeTest("call: wrong arguments are told before anything is called", {}, async (daemon) => {
  const cases: [string[], RegExp][] = [
    [[], /name a server and a tool/],
    [["sample"], /name a server and a tool/],
    [["sample", "calculater"], /has no tool "calculater"\. Did you mean calculator\?/],
    [["sample", "echo"], /echo: missing key "message" \(string\)\. See: aichaku tools sample/],
    [["sample", "echo", "massage=x"], /unknown key "massage": did you mean message\? See/],
    [["sample", "calculator", "operation=add", "a=x", "b=1"], /"a" must be number, and is "x"/],
    [["sample", "echo", "x=1", "--args", "{}"], /not in two ways/],
    [["sample", "echo", "--args", "{"], /--args is not JSON/],
    [["sample", "echo", "--timeout", "soon"], /--timeout "soon" must be a number of seconds/],
    [["sample", "echo", "--project", "/no/such"], /--project "\/no\/such" must be a folder/],
    [["a__b", "echo"], /Cannot use server "a__b"/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await daemon.cli("call", ...args);
    assert.deepEqual([code, stdout], [2, ""], `${args}: ${stderr}`);
    assert.match(stderr, message);
  }
});

const other = { config: { mcpServers: { other: misbehaving() } } };

homeTest(
  "call: other servers need the daemon; where it may be started, it is",
  other,
  async (daemon) => {
    for (const args of [["tools"], ["tools", "other"], ["call", "other", "echo", "text=x"]]) {
      const { code, stderr } = await daemon.cli(...args);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /start it with "aichaku mcp --start-server"/);
    }
    const command = daemon.command(["tools", "other"], { env: { AICHAKU_AUTOSTART: "1" } });
    const { code, stdout, stderr } = await command.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.notEqual(new TextDecoder().decode(stdout), "No tools.\n");
    const all = await daemon.cli("tools", "--json");
    assert.ok(JSON.parse(all.stdout).every(({ name }: { name: string }) => name.includes("__")));
  },
);

const dying = { config: { mcpServers: { dying: misbehaving({ mode: "--exit-at-start" }) } } };

daemonTest("call: a server that cannot start fails with what it said", dying, async (daemon) => {
  const { code, stdout, stderr } = await daemon.cli("tools", "dying");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^aichaku tools: /);
  const unknown = await daemon.cli("tools", "nobody");
  assert.equal(unknown.code, 1, unknown.stderr);
  assert.match(unknown.stderr, /nobody/);
});

daemonTest("tools, call: why a server cannot start is said once, with what it wrote", {
  config: {
    mcpServers: {
      login: {
        command: "sh",
        args: ["-c", "echo 'Please log in at https://login.example.com' >&2; exec sleep 600"],
        startTimeout: "2s",
      },
      keyless: { command: "sh", args: ["-c", "echo 'Error: no API key' >&2; exit 3"] },
    },
  },
}, async (daemon) => {
  const login = await daemon.cli("tools", "login");
  assert.deepEqual([login.code, login.stdout], [1, ""]);
  assert.match(
    login.stderr,
    /did not answer initialize within 2 s; .*\nPlease log in at https:\S+\n$/,
  );
  const all = await daemon.cli("tools");
  assert.deepEqual([all.code, all.stdout.includes("reviewer__review_file")], [0, true]);
  assert.match(
    all.stderr,
    /^Left out:\n {2}login: did not answer .*\n {2}keyless: exited with code 3\n/,
  );
  const keyless = await daemon.cli("call", "keyless", "anything");
  assert.match(
    keyless.stderr,
    /it exited with code 3 before it was ready; its last words: Error: no API key; .*\n$/,
  );
  assert.equal(keyless.stderr.match(/no API key/g)?.length, 1);
});
