import assert from "node:assert/strict";
import { choose } from "./choice.ts";
import type { Part } from "./section.ts";

const PARTS: readonly Part[] = [
  { ...part("throughput", ["aichaku", "bare"], true), notInQuick: ["bare"] },
  part("ways", ["http", "aichaku"], true),
  part("memory", [], false),
];

function part(name: string, contenders: string[], inQuick: boolean): Part {
  return { name, contenders, inQuick, run: () => Promise.reject(new Error("not run here")) };
}

/** Who is chosen, as `PART/CONTENDER`; `PART/` for a part itself. */
function chosen(wanted: string[], quick = false): string[] {
  return choose(PARTS, { wanted, quick }).flatMap(({ part, wants }) => [
    `${part.name}/`,
    ...part.contenders.filter(wants).map((each) => `${part.name}/${each}`),
  ]);
}

Deno.test("nothing named is everything, or all that a quick run has", () => {
  assert.equal(chosen([]).length, 7);
  assert.deepEqual(chosen([], true), [
    ...["throughput/", "throughput/aichaku"],
    ...["ways/", "ways/http", "ways/aichaku"],
  ]);
});

Deno.test("a part, a contender and a contender of a part can be named", () => {
  assert.deepEqual(chosen(["ways"]), ["ways/", "ways/http", "ways/aichaku"]);
  assert.deepEqual(chosen(["ways", "ways/http"]), ["ways/", "ways/http"]);
  assert.deepEqual(chosen(["aichaku"]), [
    ...["throughput/", "throughput/aichaku"],
    ...["ways/", "ways/aichaku"],
  ]);
  assert.deepEqual(chosen(["throughput/bare", "memory"], true), [
    ...["throughput/", "throughput/bare"],
    "memory/",
  ]);
});

Deno.test("a name that is none is told with those that there are", () => {
  for (const name of ["nothing", "throughput/http", "memory/aichaku"]) {
    assert.throws(() => chosen([name]), /throughput\[\/aichaku\|bare\]\n {2}ways/);
  }
});
