import assert from "node:assert/strict";
import fc from "fast-check";
import { createScanner, findNodeAtLocation, parse, parseTree } from "jsonc-parser";
import { ConfigError } from "./document.ts";
import { placeOfServer, withoutServer, withServer } from "./edit_servers.ts";

const file = "/etc/c.json";
const ENTRY = { command: "npx", args: ["-y", "some-package"], env: { A: "1" } };

function added(text: string, name = "new"): string {
  return withServer({ file, text }, { name, entry: ENTRY });
}

function removed(text: string, name: string): string | undefined {
  return withoutServer({ file, text }, name);
}

Deno.test("a new server stands behind the others, and nothing else changes", () => {
  const text = `// my servers
{
    "server": { "port": 1 }, // the port
    /* below */
    "mcpServers": {
        // about a
        "a": { "command": "x" }, // behind a
        "b": {
            "command": "y" // inside b
        } // behind b
        // the end
    },
    "unknown": [1, 2]
}
`;
  const expected = text.replace(
    "} // behind b\n",
    `}, // behind b
        "new": {
            "command": "npx",
            "args": ["-y", "some-package"],
            "env": {
                "A": "1"
            }
        }
`,
  );
  assert.equal(added(text), expected);
});

Deno.test("a new server looks like its neighbours", () => {
  const inline = '{ "command": "npx", "args": ["-y", "some-package"], "env": { "A": "1" } }';
  const cases: [string, string][] = [
    ['{ "mcpServers": { "a": {} } }', `{ "mcpServers": { "a": {}, "new": ${inline} } }`],
    ['{ "server": {} }', `{ "server": {}, "mcpServers": { "new": ${inline} } }`],
    ['{ "mcpServers": null }', `{ "mcpServers": { "new": ${inline} } }`],
    [
      '{\n  "mcpServers": {"a": {},},\n}',
      `{\n  "mcpServers": {"a": {}, "new": ${inline},},\n}`,
    ],
  ];
  for (const [text, expected] of cases) assert.equal(added(text), expected);
  const block = (pad: string, unit: string, eol = "\n") =>
    [
      `"new": {`,
      `${unit}"command": "npx",`,
      `${unit}"args": ["-y", "some-package"],`,
      `${unit}"env": {`,
      `${unit}${unit}"A": "1"`,
      `${unit}}`,
      `}`,
    ].join(eol + pad);
  const blocks: [string, string][] = [
    ["", `{\n  "mcpServers": {\n    ${block("    ", "  ")}\n  }\n}\n`],
    ["{}", `{\n  "mcpServers": {\n    ${block("    ", "  ")}\n  }\n}`],
    [
      '{\n\t"mcpServers": {\n\t\t// none yet\n\t}\n}\n',
      `{\n\t"mcpServers": {\n\t\t// none yet\n\t\t${block("\t\t", "\t")}\n\t}\n}\n`,
    ],
    [
      '{\r\n   "mcpServers": {\r\n      "a": {},\r\n   },\r\n}\r\n',
      `{\r\n   "mcpServers": {\r\n      "a": {},\r\n      ${
        block("      ", "   ", "\r\n")
      },\r\n   },\r\n}\r\n`,
    ],
    [
      '{"mcpServers": {"a": {} // only\n}}',
      `{"mcpServers": {"a": {}, // only\n  ${block("  ", "  ")}\n}}`,
    ],
  ];
  for (const [text, expected] of blocks) assert.equal(added(text), expected);
});

Deno.test("a long list of arguments stands one a line", () => {
  const args = Array.from({ length: 9 }, (_, i) => `--argument-${i}`);
  const text = withServer({ file, text: "{}" }, { name: "n", entry: { args } });
  assert.match(text, /"args": \[\n {8}"--argument-0",\n {8}"--argument-1",/);
  assert.deepEqual(parse(text).mcpServers.n.args, args);
});

Deno.test("a server goes where the file keeps its servers", () => {
  const sectionOf = (text: string) =>
    Object.entries(parse(added(text))).find(([, value]) => value && "new" in Object(value))?.[0];
  assert.equal(sectionOf('{"servers": {"a": {}}}'), "servers");
  assert.equal(sectionOf('{"servers": {"a": {}}, "mcpServers": {}}'), "mcpServers");
  assert.equal(sectionOf('{"mcpServers": null, "servers": {}}'), "mcpServers");
  assert.equal(sectionOf('{"servers": null, "server": {}}'), "mcpServers");
  assert.throws(() => added('{"mcpServers": []}'), ConfigError);
  assert.throws(() => added('{"mcpServers": {'), ConfigError);
});

Deno.test("a server that is replaced stays where it was, and of several the last place stays", () => {
  const text = '{\n  "mcpServers": {\n    "a": {"x": 1}, // first\n    "b": {}\n  }\n}';
  const replaced = withServer({ file, text }, { name: "a", entry: { command: "y" } });
  assert.equal(replaced, text.replace('{"x": 1}', '{\n      "command": "y"\n    }'));
  const twice = '{"servers": {"my a": 1, "z": {}}, "mcpServers": {"b": {}, "my-a": 2, "c": {}}}';
  assert.equal(
    withServer({ file, text: twice }, { name: "my-a", entry: {} }),
    '{"servers": {"z": {}}, "mcpServers": {"b": {}, "my-a": {}, "c": {}}}',
  );
});

Deno.test("a server that goes takes nothing with it", () => {
  const text = `{
  "mcpServers": {
    // about a
    "a": {
      // inside a
      "command": "x"
    }, // behind a
    // about b
    "b": {}
    // the end
  }
}
`;
  assert.equal(
    removed(text, "a"),
    `{
  "mcpServers": {
    // about a
    // behind a
    // about b
    "b": {}
    // the end
  }
}
`,
  );
  assert.equal(
    removed(text, "b"),
    text.replace("}, // behind a", "} // behind a").replace('    "b": {}\n', ""),
  );
});

Deno.test("no gap and no comma too many is left, however the file is laid out", () => {
  const cases: [string, string, string][] = [
    ['{"mcpServers": { "a": {}, "b": {}, "c": {} }}', "a", '{"mcpServers": { "b": {}, "c": {} }}'],
    ['{"mcpServers": { "a": {}, "b": {}, "c": {} }}', "b", '{"mcpServers": { "a": {}, "c": {} }}'],
    ['{"mcpServers": { "a": {}, "b": {}, "c": {} }}', "c", '{"mcpServers": { "a": {}, "b": {} }}'],
    ['{"mcpServers": { "a": {}, "b": {}, }}', "b", '{"mcpServers": { "a": {}, }}'],
    ['{"mcpServers": { "a": {} }}', "a", '{"mcpServers": {}}'],
    ['{"mcpServers": { "a": {} /* x */, "b": {} }}', "a", '{"mcpServers": { /* x */ "b": {} }}'],
    ['{"mcpServers": {\r\n"a": {},\r\n"b": {}\r\n}}', "a", '{"mcpServers": {\r\n"b": {}\r\n}}'],
    ['{"mcpServers": {\n"a": {}\n,"b": {}\n}}', "a", '{"mcpServers": {\n"b": {}\n}}'],
    ['{"mcpServers": {\n"a": {}\n,"b": {}\n}}', "b", '{"mcpServers": {\n"a": {}\n\n}}'],
  ];
  for (const [text, name, expected] of cases) assert.equal(removed(text, name), expected);
});

Deno.test("a server is removed under the name it is written with and the one it is called by", () => {
  const text = '{"servers": {"My server": {}}, "mcpServers": {"a": {}, "My-server": {}, "a": 1}}';
  const rest = '{"servers": {}, "mcpServers": {"a": {}, "a": 1}}';
  for (const name of ["My server", "My-server"]) {
    assert.equal(removed(text, name), rest);
  }
  assert.equal(removed(rest, "a"), '{"servers": {}, "mcpServers": {}}');
  assert.equal(removed(text, "other"), undefined);
  assert.equal(removed('{"other": {"a": {}}, "mcpServers": null}', "a"), undefined);
});

Deno.test("where a server stands is told with line and column", () => {
  const text = '{\n  "mcpServers": {\n    "a b": {}\n  }\n}';
  assert.equal(placeOfServer({ file, text }, "a-b"), "/etc/c.json:3:5");
  assert.equal(placeOfServer({ file, text }, "b"), undefined);
  assert.equal(placeOfServer({ file, text: "" }, "b"), undefined);
});

/** Texts of configurations as people write them: any space, comments anywhere, trailing commas. */
function configTexts() {
  let comments = 0;
  const space = fc.constantFrom("", " ", "\n", "\n  ", "\t", "\r\n    ");
  const comment = fc.constantFrom("//", "/*", "/*\n").map((kind) =>
    kind === "//" ? `// c${comments++}\n` : `${kind} c${comments++} */`
  );
  const gap = fc.array(fc.oneof({ weight: 3, arbitrary: space }, comment), { maxLength: 3 })
    .map((parts) => parts.join(""));
  const object = (values: fc.Arbitrary<string>) =>
    fc.record({
      items: fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "d e"), values, gap, gap), {
        selector: ([key]) => key,
      }),
      gaps: fc.tuple(gap, gap),
      trailing: fc.boolean(),
    }).map(({ items, gaps, trailing }) => {
      const body = items.map(([key, value, one, two]) => `${one}"${key}":${value}${two}`).join(",");
      return `{${gaps[0]}${body}${trailing && items.length > 0 ? "," : ""}${gaps[1]}}`;
    });
  const servers = object(object(fc.constantFrom("1", '"}"', "[ {} ,2]")));
  return fc.tuple(gap, gap, servers, gap, fc.boolean()).map(([one, two, map, three, first]) =>
    first ? `{${one}"mcpServers":${two}${map}${three}}` : `{"x":1,${one}"mcpServers":${map}${two}}`
  );
}

/** The comments of a text, in order, without those inside of one server's entry. */
function commentsOf(text: string, name?: string): string[] {
  const entry = name && findNodeAtLocation(parseTree(text)!, ["mcpServers", name])?.parent;
  const from = entry ? entry.offset : Infinity;
  const to = entry ? entry.offset + entry.length : 0;
  const scanner = createScanner(text, false);
  const comments = [];
  for (let token = scanner.scan() as number; token !== 17; token = scanner.scan()) {
    if (token === 12 || token === 13) {
      const start = scanner.getTokenOffset();
      if (start >= from && start < to) continue;
      comments.push(text.slice(start, start + scanner.getTokenLength()));
    }
  }
  return comments;
}

function dataOf(text: string) {
  const errors: never[] = [];
  const data = parse(text, errors, { allowTrailingComma: true });
  assert.deepEqual(errors, [], text);
  return data;
}

Deno.test("whatever the text, only the one server changes, and every other comment stays", () => {
  fc.assert(
    fc.property(configTexts(), fc.constantFrom("a", "b", "d e", "new"), (text, name) => {
      const before = dataOf(text);
      const after = added(text, name);
      const expected = structuredClone(before);
      expected.mcpServers[name] = ENTRY;
      assert.deepEqual(dataOf(after), expected);
      assert.deepEqual(Object.keys(dataOf(after).mcpServers), Object.keys(expected.mcpServers));
      assert.deepEqual(commentsOf(after), commentsOf(text, name));

      const without = removed(text, name) ?? text;
      delete expected.mcpServers[name];
      assert.deepEqual(dataOf(without), expected);
      assert.deepEqual(Object.keys(dataOf(without).mcpServers), Object.keys(expected.mcpServers));
      assert.deepEqual(commentsOf(without), commentsOf(text, name));
      if (!(name in before.mcpServers)) assert.equal(without, text);
    }),
    { numRuns: 500 },
  );
});
