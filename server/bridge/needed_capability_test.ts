import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { isQuestion, missingCapability } from "./needed_capability.ts";

const URL_MODE = { mode: "url", url: "https://x", message: "m" };

const TABLE: [JsonObject, string, JsonObject | undefined, missing: JsonObject | undefined][] = [
  [{}, "elicitation/create", {}, { elicitation: {} }],
  [{ elicitation: {} }, "elicitation/create", {}, undefined],
  [{ elicitation: {} }, "elicitation/create", undefined, undefined],
  [{ elicitation: {} }, "elicitation/create", { mode: "form" }, undefined],
  [{ elicitation: { form: {} } }, "elicitation/create", {}, undefined],
  [{ elicitation: { url: {} } }, "elicitation/create", {}, { elicitation: { form: {} } }],
  [{ elicitation: { url: {} } }, "elicitation/create", URL_MODE, undefined],
  [{ elicitation: { form: {} } }, "elicitation/create", URL_MODE, { elicitation: { url: {} } }],
  [{ elicitation: {} }, "elicitation/create", URL_MODE, { elicitation: { url: {} } }],
  [{ elicitation: true }, "elicitation/create", {}, { elicitation: {} }],
  [{}, "sampling/createMessage", {}, { sampling: {} }],
  [{ sampling: {} }, "sampling/createMessage", {}, undefined],
  [{ sampling: {} }, "sampling/createMessage", { tools: [] }, { sampling: { tools: {} } }],
  [{ sampling: {} }, "sampling/createMessage", { toolChoice: {} }, { sampling: { tools: {} } }],
  [{ sampling: { tools: {} } }, "sampling/createMessage", { tools: [] }, undefined],
  [{}, "roots/list", undefined, { roots: {} }],
  [{ roots: { listChanged: true } }, "roots/list", undefined, undefined],
];

for (const [capabilities, method, params, missing] of TABLE) {
  const asked = `${method} ${JSON.stringify(params) ?? ""}`.trim();
  const lacks = missing === undefined ? "nothing" : JSON.stringify(missing);
  Deno.test(`for ${asked}, ${JSON.stringify(capabilities)} lacks ${lacks}`, () => {
    assert.deepEqual(missingCapability(capabilities, { method, params }), missing);
  });
}

Deno.test("only what clients can be asked is a question", () => {
  assert.equal(isQuestion("roots/list"), true);
  for (const method of ["ping", "tools/call", "constructor"]) {
    assert.equal(isQuestion(method), false);
    assert.throws(() => missingCapability({}, { method, params: {} }), RangeError);
  }
});
