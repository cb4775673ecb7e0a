import assert from "node:assert/strict";
import { fromFileUrl, join, toFileUrl } from "@std/path";
import { BUILTIN_NAMES } from "../server/builtin/mod.ts";
import { type CommandContext, UsageError } from "./context.ts";
import { runReview } from "./review.ts";
import { runServeBuiltin } from "./serve_builtin.ts";
import { selfCommand } from "../platform/self.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const MAIN = join(ROOT, "main.ts");

interface World {
  folder: string;
  context: CommandContext;
  output(): string;
}

/** A home without a daemon, and a folder with files to review. */
async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  let written = "";
  const context: CommandContext = {
    stdout: (text) => void (written += text),
    stderr: (text) => assert.fail(`unexpected on stderr: ${text}`),
    isTerminal: false,
    isErrorTerminal: false,
    noColor: true,
    cwd: folder,
    self: selfCommand({ url: toFileUrl(MAIN).href, filename: MAIN, dirname: ROOT }),
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
  try {
    await Deno.writeTextFile(join(folder, "clean.ts"), "export const a = 1;\n");
    await Deno.writeTextFile(join(folder, "bad.py"), "import os\nos.system(f'rm {x}')\n");
    await Deno.writeTextFile(join(folder, "mild.js"), "el.innerHTML = x;\n");
    await Deno.writeTextFile(join(folder, "notes.txt"), "hello\n");
    await test({ folder, context, output: () => written });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("review without a daemon runs a reviewer of its own, and exits as documented", async () => {
  const cases: [args: string[], code: number, output: RegExp][] = [
    [["clean.ts"], 0, /^No findings in 1 file\n$/],
    [
      ["mild.js"],
      0,
      /^mild\.js\n {2}1:1 .* medium .*\n\n1 finding \(1 medium\) in 1 of 1 file\n$/s,
    ],
    [["mild.js", "--fail-on", "medium"], 1, /1 medium/],
    [["clean.ts", "./bad.py"], 1, /^\.\/bad\.py\n {2}2:1 .*py-os-system.*in 1 of 2 files\n$/s],
    [["clean.ts", "gone.ts"], 4, /gone\.ts {2}there is no such file\n\nNo findings in 2 files; 1/],
    [["notes.txt"], 4, /unsupported language: only secrets were looked for/],
  ];
  for (const [args, code, output] of cases) {
    await withWorld(async (world) => {
      assert.equal(await runReview(args, world.context), code, `${args}: ${world.output()}`);
      assert.match(world.output(), output);
    });
  }
});

Deno.test("review prints each format", () =>
  withWorld(async ({ context, output }) => {
    let printed = 0;
    const run = async (args: string[]) => {
      assert.equal(await runReview(["bad.py", ...args], context), 1);
      const text = output().slice(printed);
      printed = output().length;
      return text;
    };
    const json = await run(["--format", "json"]);
    assert.equal(JSON.parse(json).files[0].findings[0].rule, "py-os-system");
    assert.equal(await run(["--json"]), json);
    const sarif = JSON.parse(await run(["--format=sarif"]));
    assert.equal(sarif.runs[0].results[0].ruleId, "py-os-system");
    assert.match(await run(["--format", "github"]), /^::error file=bad\.py,line=2,/);
  }));

Deno.test("review refuses what it does not understand, and says what it knows", () =>
  withWorld(async ({ context, output }) => {
    const cases: [string[], RegExp][] = [
      [[], /name the files to review/],
      [["--format", "xml", "a.ts"], /--format "xml" is none of pretty, json, sarif, github/],
      [["--format", "toString", "a.ts"], /--format "toString" is none of/],
      [["--fail-on", "hihg", "a.ts"], /none of critical, high.* Did you mean high\?/],
      [["--nothing", "a.ts"], /unknown option --nothing/],
    ];
    for (const [args, message] of cases) {
      await assert.rejects(
        () => runReview(args, context),
        (error) => error instanceof UsageError && message.test(error.message),
        `${args}`,
      );
    }
    assert.equal(await runReview(["--help"], context), 0);
    assert.match(output(), /^Usage: aichaku review FILES/);
  }));

Deno.test("when no reviewer can be run, every file is said to be not reviewed", () =>
  withWorld(async ({ folder, context, output }) => {
    const self = { command: join(folder, "gone"), args: [] };
    assert.equal(await runReview(["clean.ts", "mild.js"], { ...context, self }), 4);
    assert.match(output(), /clean\.ts .*\n {2}mild\.js .*\n\nNo findings in 2 files; 2 files not/);
  }));

Deno.test("an unknown built-in server is wrong usage and names the known ones", () =>
  withWorld(async ({ context }) => {
    await assert.rejects(
      () => runServeBuiltin("toString", context),
      (error) =>
        error instanceof UsageError &&
        error.message.endsWith(`Known are: ${BUILTIN_NAMES.join(", ")}.`),
    );
  }));

Deno.test("review gives the same bytes and the same code with the daemon as without it", () =>
  withWorld(async ({ folder, context, output }) => {
    const args = ["bad.py", "clean.ts", "gone.ts", "mild.js", "notes.txt", "--format", "json"];
    const alone = await runReview(args, context);
    const expected = output();
    const daemon = (action: string[]) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "-A", MAIN, "mcp", ...action],
        env: { AICHAKU_HOME: join(folder, "home") },
      }).output();
    const started = await daemon(["start", "--port", "0"]);
    try {
      assert.ok(started.success, new TextDecoder().decode(started.stderr));
      assert.equal(await runReview(args, context), alone);
      assert.equal(output().slice(expected.length), expected);
      const log = await Deno.readTextFile(join(folder, "home", "mcp-http-server.log"));
      assert.match(log, /"server ready","server":"reviewer"/, `the daemon was not asked: ${log}`);
    } finally {
      assert.ok((await daemon(["stop"])).success);
    }
  }));
