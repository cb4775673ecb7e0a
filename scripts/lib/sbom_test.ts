import assert from "node:assert/strict";
import { type Lock, sbom } from "./sbom.ts";

const lock: Lock = {
  version: "5",
  specifiers: {
    "npm:one@1.0.0": "1.0.0",
    "npm:@s/two@2.0.0": "2.0.0_three@3.1.0",
    "npm:dev@9.0.0": "9.0.0",
  },
  npm: {
    "one@1.0.0": { integrity: "sha512-AQID", dependencies: ["three@3.0.0"] },
    "@s/two@2.0.0_three@3.1.0": { integrity: "sha512-BAUG", dependencies: ["one", "three@3.1.0"] },
    "three@3.0.0": { integrity: "sha512-Bwg=" },
    "three@3.1.0": {},
    "dev@9.0.0": { integrity: "sha512-CQ==" },
  },
};
const options = {
  version: "0.1.0",
  denoVersion: "2.9.6",
  imports: ["npm:/@s/two@2.0.0/sub.js", "npm:/@s/two@2.0.0"],
  lock,
};

Deno.test("the document has what the program imports and all that needs, each with its hash", () => {
  const { components, metadata, dependencies } = sbom(options);
  assert.equal(metadata.component.version, "0.1.0");
  assert.deepEqual(components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40s/two@2.0.0",
    "pkg:npm/one@1.0.0",
    "pkg:npm/three@3.0.0",
    "pkg:npm/three@3.1.0",
  ]);
  assert.deepEqual(components[1].hashes, [{ alg: "SHA-512", content: "040506" }]);
  assert.deepEqual([components[1].group, components[1].name], ["@s", "two"]);
  assert.deepEqual(dependencies.slice(0, 2), [
    { ref: "aichaku", dependsOn: ["deno", "pkg:npm/%40s/two@2.0.0"] },
    { ref: "pkg:npm/%40s/two@2.0.0", dependsOn: ["pkg:npm/one@1.0.0", "pkg:npm/three@3.1.0"] },
  ]);
});

Deno.test("every reference names a component", () => {
  const { components, dependencies } = sbom(options);
  const known = new Set(["aichaku", ...components.map((one) => one["bom-ref"])]);
  for (const { ref, dependsOn } of dependencies) {
    for (const one of [ref, ...dependsOn]) assert.ok(known.has(one), one);
  }
});

Deno.test("an import that is not locked, or a lock of another kind, is an error", () => {
  assert.throws(() => sbom({ ...options, imports: ["npm:/other@1.0.0"] }), /other@1.0.0 is not in/);
  assert.throws(() => sbom({ ...options, lock: { ...lock, version: "6" } }), /of version 6/);
});
