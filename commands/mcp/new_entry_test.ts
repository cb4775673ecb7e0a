import { deepEqual, ok, throws } from "node:assert/strict";
import { UsageError } from "../context.ts";
import { newEntry } from "./new_entry.ts";

interface Given {
  words?: string[];
  commandLine?: string[];
  flags?: string[];
  values?: Record<string, string>;
  env?: string[];
  header?: string[];
}

function entry({ words = [], commandLine, flags = [], values = {}, env = [], header = [] }: Given) {
  return newEntry({
    words,
    commandLine,
    cwd: "/home/ada/here",
    parsed: {
      flags: new Set(flags),
      values: new Map(Object.entries(values)),
      lists: new Map([["env", env], ["header", header]]),
    },
  });
}

Deno.test("a command becomes an entry with what was given and no more", () => {
  deepEqual(entry({ commandLine: ["npx"] }), { command: "npx" });
  deepEqual(
    entry({
      commandLine: ["uvx", "serena", "--flag", "--", "-e", "A=1"],
      values: { transport: "stdio", sharing: "serial" },
      env: ["A=1", "B=x=y", "__proto__=c", "D="],
    }),
    {
      type: "stdio",
      command: "uvx",
      args: ["serena", "--flag", "--", "-e", "A=1"],
      env: Object.fromEntries([["A", "1"], ["B", "x=y"], ["__proto__", "c"], ["D", ""]]),
      sharing: "serial",
    },
  );
});

Deno.test("paths that start here are made whole, because the daemon is elsewhere", () => {
  const { command, args } = entry({
    commandLine: ["./bin/x", ".", "../y", "a/b", ".hidden", "~/z"],
  });
  deepEqual(command, "/home/ada/here/bin/x");
  deepEqual(args, ["/home/ada/here", "/home/ada/y", "a/b", ".hidden", "~/z"]);
  deepEqual(entry({ commandLine: ["bin/x"] }).command, "/home/ada/here/bin/x");
  for (const command of ["x", "~/bin/x", "${HOME}/bin/x", "/opt/x"]) {
    deepEqual(entry({ commandLine: [command] }).command, command);
  }
});

Deno.test("with --project it runs in the project, and a path that starts here starts there", () => {
  deepEqual(entry({ commandLine: ["x", "."], flags: ["project"] }), {
    command: "x",
    args: ["."],
    cwd: "${project}",
  });
});

Deno.test("a URL becomes an entry with its headers", () => {
  const url = "https://example.com/mcp";
  deepEqual(entry({ words: [url] }), { url });
  deepEqual(
    entry({
      words: [url],
      values: { transport: "sse", sharing: "session" },
      header: ["Authorization: Bearer ${T}", "X-A:b:c ", "X-Empty:"],
    }),
    {
      type: "sse",
      url,
      headers: { Authorization: "Bearer ${T}", "X-A": "b:c", "X-Empty": "" },
      sharing: "session",
    },
  );
  deepEqual(entry({ words: ["${URL}"] }), { url: "${URL}" });
  deepEqual(entry({ words: ["wss://example.com"] }), { url: "wss://example.com" });
});

Deno.test("what does not go together is wrong usage, and no secret is shown", () => {
  const url = "https://example.com/mcp";
  const cases: [Given, RegExp][] = [
    [{}, /say how to reach the server/],
    [{ words: ["npx"] }, /no http, https, ws or wss URL; put a command behind --/],
    [{ words: [url, "more"] }, /more than one word/],
    [{ commandLine: [] }, /the command behind -- is missing/],
    [{ commandLine: [" "] }, /the command behind -- is missing/],
    [{ words: [url], commandLine: ["x"] }, /stands before the --/],
    [{ commandLine: ["x"], values: { transport: "http" } }, /over http has a URL, not a command/],
    [
      { words: [url], values: { transport: "stdio" } },
      /no http, https, ws or wss URL; put a command behind --/,
    ],
    [
      { words: [url], values: { transport: "tcp" } },
      /--transport is "tcp": use one of stdio, http/,
    ],
    [{ commandLine: ["x"], values: { sharing: "all" } }, /--sharing is "all": use one of auto,/],
    [{ words: [url], env: ["A=s3cr3t"] }, /--env is for servers with a command/],
    [{ words: [url], flags: ["project"] }, /--project is for servers with a command/],
    [{ commandLine: ["x"], header: ["A: s3cr3t"] }, /--header is for servers with a URL/],
    [{ commandLine: ["x"], env: ["s3cr3t"] }, /--env must be NAME=value/],
    [{ commandLine: ["x"], env: ["=s3cr3t"] }, /--env must be NAME=value/],
    [{ words: [url], header: ["s3cr3t"] }, /--header must be "Name: value"/],
  ];
  for (const [given, message] of cases) {
    throws(() => entry(given), (error: Error) => {
      ok(error instanceof UsageError);
      ok(message.test(error.message), error.message);
      ok(!error.message.includes("s3cr3t"));
      return true;
    });
  }
});
