import assert from "node:assert/strict";
import { canBeAsked, clientClass } from "./client_class.ts";

Deno.test("clients that can do the same are of one class, however they wrote it", () => {
  const one = clientClass({ sampling: {}, elicitation: {}, roots: { listChanged: true } });
  const other = clientClass({ elicitation: { form: { x: 1 } }, sampling: { unknown: 1 } });
  assert.equal(JSON.stringify(one), JSON.stringify(other));
  assert.deepEqual(one, { elicitation: { form: {} }, sampling: {} });
});

Deno.test("clients that can do different things are of different classes", () => {
  const classes = [
    {},
    { sampling: {} },
    { sampling: { tools: {} } },
    { elicitation: {} },
    { elicitation: { url: {} } },
    { elicitation: { url: {}, form: {} } },
  ].map((capabilities) => JSON.stringify(clientClass(capabilities)));
  assert.equal(new Set(classes).size, classes.length);
});

Deno.test("roots, tasks and what is not known make no class, and nonsense is none", () => {
  for (
    const capabilities of [{ roots: {} }, { tasks: {} }, { sampling: true }, { elicitation: null }]
  ) {
    assert.deepEqual(clientClass(capabilities), {});
    assert.equal(canBeAsked(clientClass(capabilities)), false);
  }
  assert.equal(canBeAsked(clientClass({ sampling: {} })), true);
});
