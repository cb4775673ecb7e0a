import assert from "node:assert/strict";
import { languageNamed } from "./language.ts";
import { SEVERITIES } from "./result.ts";
import { reviewText } from "./review.ts";
import type { Rule } from "./rule.ts";
import { RULES, rulesFor, rulesVersion } from "./rules.ts";

/** Languages to try a rule's examples in: its own, or one of each kind for rules of any language. */
function languagesOf(rule: Rule): readonly (string | undefined)[] {
  return rule.languages === "any" ? ["typescript", "python", undefined] : rule.languages;
}

async function findings(rule: Rule, content: string, language: string | undefined) {
  const result = await reviewText({ content, language });
  return result.findings.filter((finding) => finding.rule === rule.id);
}

for (const rule of RULES) {
  Deno.test(`rule ${rule.id} finds each of its bad examples once and none of its good ones`, async () => {
    assert.ok(rule.examples.bad.length > 0 && rule.examples.good.length > 0);
    for (const language of languagesOf(rule)) {
      for (const example of rule.examples.bad) {
        const found = await findings(rule, example, language);
        assert.equal(found.length, 1, `${found.length} findings in ${language}: ${example}`);
      }
      for (const example of rule.examples.good) {
        assert.deepEqual(await findings(rule, example, language), [], `${language}: ${example}`);
      }
    }
  });
}

Deno.test("every rule is complete, and no two have the same id", () => {
  assert.equal(new Set(RULES.map(({ id }) => id)).size, RULES.length);
  for (const rule of RULES) {
    assert.match(rule.id, /^(?:js|py|secret)-[a-z0-9-]+$/);
    assert.match(rule.cwe, /^CWE-\d+$/, rule.id);
    assert.match(rule.owasp, /^A(?:0[1-9]|10):2021$/, rule.id);
    assert.ok(SEVERITIES.includes(rule.severity), rule.id);
    for (const text of [rule.message, rule.remedy]) assert.match(text, /^[A-Za-z].*\.$/, rule.id);
    if (rule.kind === "text") {
      assert.match(rule.pattern.flags, /^i?$/, rule.id);
      assert.ok(rule.pattern.source.includes("(?<secret>"), rule.id);
    } else {
      assert.ok(rule.words.length > 0 && rule.query.includes("@hit"), rule.id);
      for (const language of rule.languages) assert.equal(languageNamed(language), language);
    }
  }
});

Deno.test("no pattern has a quantifier without a bound, so that matching is linear", () => {
  for (const rule of RULES) {
    if (rule.kind !== "text") continue;
    const { id, pattern } = rule;
    const bare = pattern.source
      .replace(/\\./g, "_") // escapes
      .replace(/\[[^\]]*\]/g, "_") // classes
      .replace(/\(\?(?:[:=!]|<[=!]|<\w+>|i:)/g, "("); // group openers
    assert.doesNotMatch(bare, /[*+]|\{\d+,\}/, `${id}: ${bare}`);
  }
});

Deno.test("a file of an unknown language is only looked at for secrets", () => {
  assert.ok(rulesFor(undefined).every(({ languages }) => languages === "any"));
  assert.ok(rulesFor("python").some(({ id }) => id === "py-eval"));
  assert.ok(!rulesFor("python").some(({ id }) => id.startsWith("js-")));
});

Deno.test("the rules' version is 12 hexadecimal digits and stays the same", async () => {
  assert.match(await rulesVersion(), /^[0-9a-f]{12}$/);
  assert.equal(await rulesVersion(), await rulesVersion());
});
