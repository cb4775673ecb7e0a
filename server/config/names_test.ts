import assert from "node:assert/strict";
import fc from "fast-check";
import { mapServerName } from "./names.ts";

Deno.test("an allowed name stays as it is", () => {
  for (const name of ["docs", "a", "A.b-c_9", "x".repeat(64), "constructor", "Servers"]) {
    assert.equal(mapServerName(name), name);
  }
});

Deno.test("another name becomes the nearest allowed one", () => {
  const cases: [string, string][] = [
    ["my server", "my-server"],
    ["@scope/tool", "-scope-tool"],
    ["a__b___c", "a_b_c"],
    ["__proto__", "_proto_"],
    ["größe 🎉", "gr-e-"],
    ["servers", "servers-mcp"],
    ["v1", "v1-mcp"],
    [".", ".-mcp"],
    ["..", "..-mcp"],
    ["", "server"],
    ["x".repeat(70), "x".repeat(64)],
    ["a/../b", "a-..-b"],
  ];
  for (const [given, name] of cases) assert.equal(mapServerName(given), name, given);
});

Deno.test("whatever the name, the result is allowed, stable, and one step of a path", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("servers", "v1", "..")),
      (given) => {
        const name = mapServerName(given);
        assert.match(name, /^[A-Za-z0-9._-]{1,64}$/);
        assert.ok(!name.includes("__"));
        assert.ok(!["servers", "v1"].includes(name));
        assert.equal(mapServerName(name), name);
        assert.equal(new URL(`/mcp/${name}`, "http://127.0.0.1").pathname, `/mcp/${name}`);
      },
    ),
  );
});
