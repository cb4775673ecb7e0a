import { deepEqual, equal, throws } from "node:assert/strict";
import { type ArgumentSpec, parseArguments, parsePort } from "./arguments.ts";

const spec: ArgumentSpec = {
  command: "aichaku mcp",
  flags: ["json", "start-server"],
  values: ["port", "secret-door"],
  hidden: ["secret-door"],
  maxWords: 2,
};

function parse(...args: string[]) {
  const { flags, values, words } = parseArguments(args, spec);
  return { flags: [...flags], values: Object.fromEntries(values), words };
}

Deno.test("flags, values and words, in any order and both spellings", () => {
  deepEqual(parse("start", "--port", "0", "--json"), {
    flags: ["json"],
    values: { port: "0" },
    words: ["start"],
  });
  deepEqual(parse("--port=7182", "--", "--json"), {
    flags: [],
    values: { port: "7182" },
    words: ["--json"],
  });
  deepEqual(parse("007"), { flags: [], values: {}, words: ["007"] });
  deepEqual(parse("-h").flags, ["help"]);
  deepEqual(parse("--port", "1", "--port", "2").values, { port: "2" });
});

Deno.test("an option that may be given several times keeps every value, in order", () => {
  const several: ArgumentSpec = {
    command: "aichaku x",
    flags: [],
    values: ["one"],
    lists: ["env", "header"],
    short: { e: "env" },
  };
  const { lists, words } = parseArguments(
    ["name", "--env", "A=1", "-e", "B=x=y", "--env=C=", "--one", "1"],
    several,
  );
  deepEqual(lists.get("env"), ["A=1", "B=x=y", "C="]);
  deepEqual([lists.get("header"), words], [[], ["name"]]);
  throws(() => parseArguments(["--env"], several), /--env needs a value/);
  throws(() => parseArguments(["-x"], several), /unknown option -x/);
});

Deno.test("wrong usage names the option and what was meant", () => {
  const message = (...args: string[]) => {
    let text = "";
    throws(() => parse(...args), (error: Error) => {
      equal(error.name, "UsageError");
      text = error.message;
      return true;
    });
    return text;
  };
  equal(
    message("--start-sever"),
    "aichaku mcp: unknown option --start-sever. Did you mean --start-server? " +
      "See: aichaku mcp --help",
  );
  equal(message("--nope=3"), "aichaku mcp: unknown option --nope. See: aichaku mcp --help");
  equal(
    message("--secret-dor"),
    "aichaku mcp: unknown option --secret-dor. See: aichaku mcp --help",
  );
  equal(message("-x"), "aichaku mcp: unknown option -x. See: aichaku mcp --help");
  equal(message("--port"), "aichaku mcp: --port needs a value. See: aichaku mcp --help");
  equal(message("--port", "--json"), "aichaku mcp: --port needs a value. See: aichaku mcp --help");
  equal(message("--json=yes"), "aichaku mcp: --json takes no value. See: aichaku mcp --help");
  equal(
    message("a", "b", "c"),
    'aichaku mcp: unexpected argument "c". See: aichaku mcp --help',
  );
});

Deno.test("a port is a whole number up to 65535, and a wrong one is named", () => {
  equal(parsePort("0", "--port"), 0);
  equal(parsePort("65535", "--port"), 65_535);
  for (const text of ["65536", "-1", "1.5", "0x10", "abc", " 80", "1e3", ""]) {
    throws(() => parsePort(text, "AICHAKU_PORT"), {
      name: "UsageError",
      message: `Invalid port "${text}" in AICHAKU_PORT: ` +
        "use a whole number from 0 to 65535 (0 lets the system choose).",
    });
  }
});
