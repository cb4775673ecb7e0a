import assert from "node:assert/strict";
import { ruleFilter, splitPatterns, unmatched } from "./rule_filter.ts";

const RULES = ["js-eval", "js-weak-hash", "py-eval", "secret-npm-token"];

function chosen(...given: string[]): string[] {
  return RULES.filter(ruleFilter(splitPatterns(given)));
}

Deno.test("rules: named ones, patterns, and what is left out", () => {
  assert.deepEqual(chosen(), RULES);
  assert.deepEqual(chosen("js-eval"), ["js-eval"]);
  assert.deepEqual(chosen("js-*, secret-*"), ["js-eval", "js-weak-hash", "secret-npm-token"]);
  assert.deepEqual(chosen("!js-weak-hash"), ["js-eval", "py-eval", "secret-npm-token"]);
  assert.deepEqual(chosen("*-eval", "!py-*"), ["js-eval"]);
  assert.deepEqual(chosen("!*-eval", "py-eval"), ["js-weak-hash", "py-eval", "secret-npm-token"]);
  assert.deepEqual(chosen("js.eval"), []);
});

Deno.test("rules: a mistyped one is found out", () => {
  assert.deepEqual(unmatched(["js-evl", "secret-*", "!nothing"], RULES), ["js-evl", "!nothing"]);
});
