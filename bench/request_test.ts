import assert from "node:assert/strict";
import { ID, legacyCall, type Load, messageJson, modernCall, type TextKind } from "./request.ts";

const KINDS: readonly TextKind[] = ["plain", "escapes", "unicode"];

Deno.test("texts of every kind take exactly as many bytes as asked for", () => {
  for (const text of KINDS) {
    for (const bytes of [1, 100, 64 * 1024]) {
      const json = messageJson({ bytes, text });
      assert.equal(new TextEncoder().encode(json).length, bytes, `${text}, ${bytes}`);
      // What a peer writes after it has read it is the same text: answers are compared by it.
      assert.equal(JSON.stringify(JSON.parse(`"${json}"`)), `"${json}"`);
    }
  }
});

Deno.test("a text of escapes is full of them, and one of unicode of other letters too", () => {
  const of = (text: TextKind) => messageJson({ bytes: 3000, text });
  assert.equal(of("plain").includes("\\"), false);
  assert.ok(of("escapes").split("\\").length > 700);
  // deno-lint-ignore no-control-regex -- that is what ASCII is
  assert.match(of("escapes"), /^[\x00-\x7f]*$/);
  assert.ok(of("unicode").split("漢").length > 80);
});

Deno.test("a call is JSON with the id that the generators replace, once", () => {
  const load: Load = { connections: 1, bytes: 100, text: "escapes" };
  for (const text of [legacyCall(load), modernCall(load)]) {
    assert.equal(text.split(String(ID)).length, 2);
    const { id, params } = JSON.parse(text);
    assert.equal(id, ID);
    assert.equal(params.name, "echo");
    assert.equal(JSON.stringify(params.arguments.message).length, 102);
  }
  assert.equal(
    JSON.parse(modernCall(load)).params._meta["io.modelcontextprotocol/protocolVersion"],
    "2026-07-28",
  );
});

Deno.test("a call that is to give a text only names it", () => {
  const load: Load = { connections: 1, bytes: 64 * 1024, text: "unicode", answerOnly: true };
  const { params } = JSON.parse(legacyCall(load));
  assert.deepEqual(params, { name: "give", arguments: { message: "unicode 65536" } });
});
