import assert from "node:assert/strict";
import { stdioEntry } from "../../tests/fixtures/endpoints.ts";
import { canBeAsked } from "./client_class.ts";
import { instanceKey, type InstanceSpec, profileOf } from "./instance_key.ts";

function specOf(spec: Partial<InstanceSpec> = {}): InstanceSpec {
  const entry = stdioEntry("fake");
  return { entry, capabilities: {}, project: undefined, own: undefined, ...spec };
}

Deno.test("roots make no class of clients, and whoever has nothing else cannot be asked", () => {
  const profiles = [{}, { sampling: {} }, { sampling: {}, elicitation: { form: {} } }];
  for (const capabilities of profiles) {
    const withRoots = { roots: {}, ...capabilities };
    for (const told of [capabilities, withRoots]) {
      const profile = profileOf(specOf({ capabilities: told }));
      assert.deepEqual(profile, capabilities);
      assert.equal(canBeAsked(profile), capabilities !== profiles[0]);
    }
    assert.deepEqual(Object.keys(withRoots)[0], "roots", "what a server is told is not changed");
  }
});

Deno.test("an instance is known by all that makes it another one, and by nothing else", () => {
  const same = [
    specOf(),
    specOf({ entry: stdioEntry("fake") }),
    specOf({ entry: stdioEntry("other name", { command: "fake" }) }),
  ];
  assert.equal(new Set(same.map(instanceKey)).size, 1);
  const different = [
    specOf(),
    specOf({ capabilities: { roots: {} } }),
    specOf({ capabilities: { sampling: {} } }),
    specOf({ project: "/a" }),
    specOf({ own: "request-1" }),
    specOf({ another: 1 }),
    specOf({ another: 2 }),
    specOf({ entry: stdioEntry("fake", { args: ["1"] }) }),
    specOf({ entry: stdioEntry("fake", { sharing: { mode: "serial", from: "config" } }) }),
  ];
  assert.equal(new Set(different.map(instanceKey)).size, different.length);
});
