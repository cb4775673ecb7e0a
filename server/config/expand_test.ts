import assert from "node:assert/strict";
import { SEPARATOR } from "@std/path";
import fc from "fast-check";
import { expand } from "./expand.ts";
import { PROJECT_MARK } from "./project.ts";

const HOME = "/home/ada";

function expanded(text: string, env: Record<string, string | undefined> = {}) {
  return expand(text, { env, home: HOME });
}

Deno.test("references are replaced by what they stand for", () => {
  const env = { A: "one", EMPTY: "" };
  const cases: [string, string][] = [
    ["${A}", "one"],
    ["${env:A}", "one"],
    ["x${A}y${A}z", "xoneyonez"],
    ["${A:-two}", "one"],
    ["${B:-two}", "two"],
    ["${env:B:-two}", "two"],
    ["${B:-}", ""],
    ["${B:-a:-b}", "a:-b"],
    ["${EMPTY}", ""],
    ["${EMPTY:-two}", "two"],
    ["${userHome}/x", `${HOME}/x`],
    ["a${pathSeparator}b${/}c", `a${SEPARATOR}b${SEPARATOR}c`],
  ];
  for (const [written, text] of cases) {
    assert.deepEqual(
      expanded(written, env),
      { text, troubles: [], project: undefined, unknown: false },
      written,
    );
  }
});

Deno.test("a dollar that begins no reference is just a dollar", () => {
  for (const text of ["$", "$A", "$$", "100$", "{A}", "$ {A}", "a}b"]) {
    assert.deepEqual(
      expanded(text, { A: "one" }),
      { text, troubles: [], project: undefined, unknown: false },
    );
  }
  assert.equal(expanded("$${A}", { A: "one" }).text, "$one");
});

Deno.test("a ${…} that is not known stays, is told, and hides nothing behind it", () => {
  for (
    const [written, text] of [
      ["${a b} ${A}", "${a b} one"],
      ["${{ ${A} }}", "${{ one }}"],
      ["${1x}", "${1x}"],
      ["${A", "${A"],
      ["${}", "${}"],
      ["${A:?message}", "${A:?message}"],
    ] as const
  ) {
    const result = expanded(written, { A: "one" });
    assert.equal(result.text, text);
    assert.equal(result.unknown, true, written);
    assert.deepEqual(result.troubles, []);
  }
});

Deno.test("a variable that is not set is named, also when its name lives on a prototype", () => {
  for (const name of ["MISSING", "constructor", "__proto__", "toString"]) {
    const { troubles } = expanded(`\${${name}}`);
    assert.equal(troubles.length, 1, name);
    assert.ok(troubles[0]!.includes(name));
    assert.ok(troubles[0]!.includes(`\${${name}:-default}`), "the remedy is told");
  }
  assert.equal(expanded("${constructor}", { constructor: "x" }).text, "x");
});

Deno.test("defaults do not nest, and saying so beats expanding half of it", () => {
  for (const written of ["${A:-${B}}", '${A:-{"x":1}}']) {
    for (const env of [{}, { A: "one" }]) {
      assert.match(expanded(written, env).troubles.join(), /do not nest/, written);
    }
  }
});

Deno.test("what only an editor knows cannot be resolved and says what to do", () => {
  assert.match(expanded("${input:api-key}").troubles.join(), /\$\{input:api-key\}.*VARIABLE/);
  for (const word of ["config:a.b", "command:pick", "workspaceFolderBasename", "file"]) {
    assert.match(expanded(`\${${word}}`).troubles.join(), /editor/, word);
  }
  assert.ok(!expanded("${input:a\nb}").troubles.join().includes("\n"), "one line each");
});

Deno.test("the folder that the daemon was started in never gets into an entry", () => {
  for (const word of ["PWD", "OLDPWD", "env:PWD", "cwd", "INIT_CWD", "PWD:-x"]) {
    const { text, troubles } = expanded(`\${${word}}`, { PWD: "/p", OLDPWD: "/p", INIT_CWD: "/p" });
    assert.equal(text, "");
    assert.match(troubles.join(), /started in/, word);
  }
});

Deno.test("the project is recognized in every spelling", () => {
  assert.deepEqual(
    expanded("a/${project}/b"),
    { text: `a/${PROJECT_MARK}/b`, troubles: [], project: "own", unknown: false },
  );
  for (
    const word of [
      "workspaceFolder",
      "workspaceRoot",
      "workspaceFolder:api",
      "CLAUDE_PROJECT_DIR",
      "CLAUDE_PROJECT_DIR:-.",
    ]
  ) {
    assert.equal(
      expanded(`\${${word}}`, { CLAUDE_PROJECT_DIR: "/p" }).project,
      "foreign",
      word,
    );
  }
});

Deno.test("only the project brings NUL characters into a text without troubles", () => {
  const characters = fc.constantFrom("\0", "p", "${project}", "${A}", "$");
  const texts = fc.oneof(
    fc.constantFrom(PROJECT_MARK, "\0", ""),
    fc.array(characters).map((c) => c.join("")),
  );
  fc.assert(fc.property(texts, texts, (written, value) => {
    const { text, troubles } = expanded(written, { A: value });
    if (troubles.length > 0) return;
    const projects = written.split("${project}").length;
    assert.equal(text.split("\0").length, 2 * projects - 1);
    assert.equal(text.split(PROJECT_MARK).length, projects);
  }));
});

Deno.test("what comes out of a variable is never read again", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("${A}", "${B}", "${userHome}"), (noise, reference) => {
      const value = noise + reference;
      assert.deepEqual(
        expanded("<${A}>", { A: value, B: "no" }),
        { text: `<${value}>`, troubles: [], project: undefined, unknown: false },
      );
    }),
  );
});
