import assert from "node:assert/strict";
import { languageNamed, languageOf } from "./language.ts";

Deno.test("the language comes from the extension, in any case, else from the #! line", () => {
  assert.equal(languageOf("src/a.TSX", ""), "typescript");
  assert.equal(languageOf("a.mjs", ""), "javascript");
  assert.equal(languageOf("a.pyi", ""), "python");
  assert.equal(languageOf("bin/run", "#!/usr/bin/env -S deno run\n"), "typescript");
  assert.equal(languageOf("bin/run", "#!/usr/bin/node\r\n"), "javascript");
  assert.equal(languageOf("bin/run", "#!/usr/bin/python3.12\nx"), "python");
  assert.equal(languageOf("bin/run", "#!/bin/sh\n# python\n"), undefined);
  assert.equal(languageOf("a.rb", "puts 1"), undefined);
});

Deno.test("a caller may name a language in its usual spellings", () => {
  assert.equal(languageNamed("TS"), "typescript");
  assert.equal(languageNamed(" python "), "python");
  assert.equal(languageNamed("cobol"), undefined);
});
