/** `.github/workflows/`: what runs there is fixed, and may only what it must. */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { parse } from "yaml";
import { TARGETS } from "../../scripts/lib/targets.ts";

const FOLDER = fromFileUrl(new URL("../../.github/workflows/", import.meta.url));

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  permissions?: unknown;
  jobs: Record<string, {
    steps: Step[];
    permissions?: Record<string, string>;
    "timeout-minutes"?: number;
    strategy?: { matrix: { include?: { target?: string }[]; os?: string[] } };
  }>;
}

const texts = new Map(
  [...Deno.readDirSync(FOLDER)].map(({ name }) =>
    [name, Deno.readTextFileSync(join(FOLDER, name))] as const
  ),
);
const workflows = new Map([...texts].map(([name, text]) => [name, parse(text) as Workflow]));
const steps = [...workflows.values()]
  .flatMap(({ jobs }) => Object.values(jobs).flatMap((job) => job.steps));

Deno.test("workflows: every action is pinned by the hash of a commit, with its version beside it", () => {
  const used = [...texts.values()].flatMap((text) => [...text.matchAll(/uses: (.+)/g)]);
  assert.ok(used.length >= 8);
  for (const [, uses] of used) assert.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  const versions = Map.groupBy(used.map(([, uses]) => uses), (uses) => uses.split("@")[0]);
  for (const [action, all] of versions) assert.equal(new Set(all).size, 1, action);
});

Deno.test("workflows: nothing may write but what publishes, nothing runs for ever", () => {
  for (const [name, { permissions, jobs }] of workflows) {
    assert.deepEqual(permissions, { contents: "read" }, name);
    for (
      const [job, { permissions: own = {}, "timeout-minutes": minutes }] of Object.entries(jobs)
    ) {
      assert.ok(minutes !== undefined && minutes <= 60, `${name}: ${job} has no time limit`);
      const writes = Object.values(own).some((right) => right === "write");
      assert.ok(
        !writes || ["publish", "image", "images"].includes(job),
        `${name}: ${job} may write`,
      );
    }
  }
  const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
  for (const step of checkouts) assert.equal(step.with?.["persist-credentials"], false);
});

Deno.test("workflows: what somebody else can name never stands in a shell's text", () => {
  for (const { run } of steps) assert.doesNotMatch(run ?? "", /\$\{\{/);
});

Deno.test("workflows: tests run on Linux, macOS and Windows, and each binary on its own system", () => {
  const systems = workflows.get("test.yml")!.jobs.test.strategy!.matrix.os!;
  for (const system of ["ubuntu", "macos", "windows"]) {
    assert.ok(systems.some((one) => one.startsWith(system)), system);
  }
  const tried = workflows.get("release.yml")!.jobs.try.strategy!.matrix.include!;
  assert.deepEqual(tried.map(({ target }) => target).sort(), [...TARGETS].sort());
});
