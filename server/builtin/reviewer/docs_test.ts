import assert from "node:assert/strict";
import type { Rule } from "./rule.ts";
import { RULES } from "./rules.ts";

/** A rule as a line of the table in `docs/review.md`. */
function row({ id, severity, cwe, owasp, languages, title }: Rule): string {
  const shown = languages === "any" ? "any text" : languages.join(", ");
  return `| \`${id}\` | ${severity} | ${cwe} | ${owasp} | ${shown} | ${title} |`;
}

Deno.test("docs/review.md lists every rule as it is, and no other", async () => {
  const docs = await Deno.readTextFile(new URL("../../../docs/review.md", import.meta.url));
  const table = docs.split("\n")
    .filter((line) => /^\| `(?:js|py|secret)-/.test(line))
    .map((line) => line.replace(/ +/g, " "));
  assert.deepEqual(table, RULES.map(row));
});
