import assert from "node:assert/strict";
import fc from "fast-check";
import { scanPython } from "./scan_python.ts";
import { blanked } from "./spans.ts";

/** The text with everything that is not code as dots. */
function code(text: string): string {
  let shown = text;
  for (const { start, end } of scanPython(text)) {
    shown = shown.slice(0, start) +
      shown.slice(start, end).replace(/[^\r\n]/g, ".") + shown.slice(end);
  }
  return shown;
}

const CASES: Record<string, [text: string, code: string]> = {
  "comment": ["a # b 'c\nd", "a ......\nd"],
  "strings, with escapes": [`a("b\\"c", 'd\\'', "")`, `a("....", '...', "")`],
  "comment mark in a string": [`a("#b")`, `a("..")`],
  "triple quotes over lines": [
    `"""a\n'b' "c" """ + d`,
    `""".\n........""" + d`,
  ],
  "single triple quotes": [`'''a'b''' + c`, `'''...''' + c`],
  "string that is not closed on its line": [`a = 'b\neval(c)`, `a = '.\neval(c)`],
  "string continued on the next line": [`a = 'b\\\nc' + d`, `a = '..\n.' + d`],
  "prefixes": [`rb'a' Br"b" u'c' F'd'`, `rb'.' Br"." u'.' F'.'`],
  "a raw string's backslash": [`r'a\\'b' + c`, `r'....' + c`],
  "a name before a quote is no prefix": [`for'a{b}'`, `for'....'`],
  "fields of a formatted string": [`f"a{b}c{d}" + e`, `f".{b}.{d}" + e`],
  "doubled braces": [`f"{{a}} {b}"`, `f"......{b}"`],
  "strings and brackets in a field": [`f"{a['b']}{ {1:2}[1] }c"`, `f"{a['.']}{ {1:2}[1] }."`],
  "a field with the same quotes": [`f"{a["b"]} c" + d`, `f"{a["."]}.." + d`],
  "a formatted string in a field": [`f"{f'{a}b'}c"`, `f"{f'{a}.'}."`],
  "a format with #": [`f"{a:#x}" + b # c`, `f"{a:#x}" + b ...`],
  "a field over lines in triple quotes": [`f"""{\na\n} b""" + c`, `f"""{\na\n}..""" + c`],
  "a field that does not end": [`f"a{b\neval(c)`, `f".{b\neval(c)`],
  "string that does not end": [`"""abc`, `"""...`],
};

for (const [name, [text, expected]] of Object.entries(CASES)) {
  Deno.test(`Python scanner: ${name}`, () => assert.equal(code(text), expected));
}

Deno.test("Python scanner: whatever the text, spans are in order, inside it, and keep its lines", () => {
  const piece = fc.constantFrom(
    ..."a f rb ( ) { } {{ [ ] ' \" \"\"\" ''' # \\ : ! é 😀".split(" "),
    " ",
    "\n",
    "\r\n",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    const text = pieces.join("");
    const spans = scanPython(text);
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
