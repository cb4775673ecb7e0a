import assert from "node:assert/strict";
import fc from "fast-check";
import { scanJavaScript } from "./scan_javascript.ts";
import { blanked } from "./spans.ts";

/** The text with everything that is not code as dots. */
function code(text: string): string {
  const spans = scanJavaScript(text);
  let shown = text;
  for (const { start, end } of spans) {
    shown = shown.slice(0, start) +
      shown.slice(start, end).replace(/[^\r\n]/g, ".") + shown.slice(end);
  }
  return shown;
}

const CASES: Record<string, [text: string, code: string]> = {
  "line comment": ["a // b\nc", "a ....\nc"],
  "block comment over lines": ["a /* b\nc */ d", "a ....\n.... d"],
  "comment that does not end": ["a /* b", "a ...."],
  "#! line": ["#!/usr/bin/env node\na", "...................\na"],
  "strings, with escapes": [`a("b\\"c", 'd\\'', "")`, `a("....", '...', "")`],
  "comment marks in a string": [`a("//b", '/* c')`, `a("...", '....')`],
  "string continued on the next line": [`a("b\\\nc")`, `a("..\n.")`],
  "quote that is not closed on its line": [`<p>don't</p>\neval(x)`, `<p>don't</p>\neval(x)`],
  "template": ["`a ${b} c ${d}`", "`..${b}...${d}`"],
  "template in a template": ["`a${`b${c}d`}e`+f", "`.${`.${c}.`}.`+f"],
  "braces in a substitution": ["`a${{b:{}}.c}d` + e", "`.${{b:{}}.c}.` + e"],
  "string with a brace in a substitution": ['`a${"}"}b` + c', '`.${"."}.` + c'],
  "template that does not end": ["`abc", "`..."],
  "escaped substitution": ["`\\${a}`", "`.....`"],
  "regular expression": ["a = /b'\"`/g; c", "a = /..../g; c"],
  "regular expression with a class": ["a(/[/'\"]/, b)", "a(/...../, b)"],
  "regular expression after return": ["return /'/.test(a)", "return /./.test(a)"],
  "division": ["a / b / c; 'd'", "a / b / c; '.'"],
  "division after a bracket": ["(a) / b[0] / 'c'", "(a) / b[0] / '.'"],
  "division after ++": ["a++ / b / 'c'", "a++ / b / '.'"],
  "a property named like a keyword": ["a.return / b / 'c'", "a.return / b / '.'"],
  "regular expression after an arrow": ["a => /'/", "a => /./"],
  "closing tags": ["<a>b</a> 'c'", "<a>b</a> '.'"],
  "self-closing tag": ["<a b={c} /> 'd'", "<a b={c} /> '.'"],
};

for (const [name, [text, expected]] of Object.entries(CASES)) {
  Deno.test(`JavaScript scanner: ${name}`, () => assert.equal(code(text), expected));
}

Deno.test("JavaScript scanner: whatever the text, spans are in order, inside it, and keep its lines", () => {
  const piece = fc.constantFrom(
    ..."a 0 ( ) { } [ ] ' \" ` ${ / // /* */ \\ \n \r\n < > = + return é 😀".split(" "),
    " ",
    "\n",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    const text = pieces.join("");
    const spans = scanJavaScript(text);
    let done = 0;
    for (const { start, end } of spans) {
      assert.ok(start >= done && end > start && end <= text.length);
      done = end;
    }
    const blank = blanked(text, spans);
    assert.equal(blank.length, text.length);
    assert.equal(blank.replace(/[^\r\n]/g, ""), text.replace(/[^\r\n]/g, ""));
  }));
});
