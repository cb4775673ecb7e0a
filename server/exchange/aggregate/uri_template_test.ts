import assert from "node:assert/strict";
import fc from "fast-check";
import { matchesTemplate } from "./uri_template.ts";

const CASES: [template: string, uri: string, matches: boolean][] = [
  ["file:///a.txt", "file:///a.txt", true],
  ["file:///a.txt", "file:///a.txt2", false],
  ["file:///a.txt", "xfile:///a.txt", false],
  ["demo://text/{id}", "demo://text/7", true],
  ["demo://text/{id}", "demo://text/", true],
  ["demo://text/{id}", "demo://text/7/8", false],
  ["demo://text/{id}", "demo://text/7?x", false],
  ["demo://text/{id}", "demo://blob/7", false],
  ["demo://{kind}/{id}/end", "demo://text/7/end", true],
  ["demo://{kind}/{id}/end", "demo://text/7", false],
  ["file:///{+path}", "file:///a/b/c.txt", true],
  ["file:///{+path}.txt", "file:///a.txt.txt", true],
  ["file:///{+path}.txt", "file:///a.md", false],
  ["{scheme}://x", "http://x", true],
  ["a{/segments*}", "a/b/c", true],
  ["a{/segments*}", "a", true],
  ["a{?q,r}", "a?q=1&r=2", true],
  ["a{?q,r}", "a?q=1#x", false],
  ["a{?q}{&r}", "a?q=1&r=2", true],
  ["a{#f}", "a#x/y", true],
  ["a{.ext}", "a.json", true],
  ["a{;p}", "a;p=1", true],
  ["{a}{b}", "x", true],
  ["{__proto__}", "x", true],
  ["unclosed{", "unclosed{", true],
  ["", "", true],
  ["", "x", false],
  ["x".repeat(2_049), "x".repeat(2_049), false],
  ["{+a}", "x".repeat(8_193), false],
  ["{a}".repeat(65), "x", false],
];

for (const [template, uri, matches] of CASES) {
  const shown = (text: string) => JSON.stringify(text.slice(0, 40));
  Deno.test(`${shown(uri)} ${matches ? "matches" : "does not match"} ${shown(template)}`, () => {
    assert.equal(matchesTemplate(template, uri), matches);
  });
}

Deno.test("what a template is filled with matches it", () => {
  const value = fc.stringMatching(/^[A-Za-z0-9._~%-]{0,12}$/);
  const literal = fc.stringMatching(/^[A-Za-z0-9:/._-]{0,8}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(literal, value), { maxLength: 6 }), literal, (parts, end) => {
      const template = parts.map(([text], at) => `${text}{v${at}}`).join("") + end;
      const uri = parts.map(([text, filled]) => text + filled).join("") + end;
      assert.ok(matchesTemplate(template, uri));
    }),
  );
});

Deno.test("templates made to be slow are not", () => {
  const template = "{+a}".repeat(60) + "x";
  // A regular expression with as many wildcards would need longer than the universe is old.
  assert.equal(matchesTemplate(template, "a".repeat(8_000)), false);
});
