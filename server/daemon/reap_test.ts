import assert from "node:assert/strict";
import { join } from "@std/path";
import type { Clock } from "../../platform/clock.ts";
import { createChildRegistry, readChildrenJournal } from "./children.ts";
import { createLogger } from "./log.ts";
import { reap } from "./reap.ts";

/** Each pause passes at once. */
const clock: Clock = {
  now: () => 0,
  after(_ms, callback) {
    queueMicrotask(callback);
    return { [Symbol.dispose]() {} };
  },
};

const log = createLogger({ write() {} });

async function inFolder(body: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "children.json"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("children that came and did not go are in the journal", () =>
  inFolder((path) => {
    const startTimeOf = (pid: number) => pid * 10;
    let ours = true;
    const registry = createChildRegistry({
      instanceId: "i",
      path,
      reaper: undefined,
      log,
      isOurs: () => ours,
      startTimeOf,
    });
    registry.add(11, "a");
    registry.add(12, "b");
    registry.remove(11);
    assert.deepEqual(readChildrenJournal(path), {
      instanceId: "i",
      children: [{ pid: 12, startTime: 120, server: "b" }],
    });
    // Another daemon's journal stands there by now.
    ours = false;
    registry.remove(12);
    assert.equal(readChildrenJournal(path)?.children.length, 1);
  }));

Deno.test("a recycled process id is never ended; the mark of the dead daemon is", () =>
  inFolder(async (path) => {
    Deno.writeTextFileSync(
      path,
      JSON.stringify({
        instanceId: "dead",
        children: [
          { pid: 11, startTime: 100, server: "ours" },
          { pid: 12, startTime: 100, server: "recycled" },
          { pid: 13, startTime: null, server: "unknown" },
        ],
      }),
    );
    const ended: string[] = [];
    // 78 is forked while the first sweep is under way, and shows no environment to the second one; this
    // process carries the mark as well.
    const marked = new Set([11, 77, Deno.pid]);
    let sweeps = 0;
    const reaped = await reap({
      path,
      clock,
      startTimeOf: (pid) => pid === 11 ? (marked.has(11) ? 100 : null) : 999,
      markedWith: (id) => {
        const shown = ++sweeps === 2 ? [] : [...marked];
        return id === "dead" ? shown : [];
      },
      endGroup: (pid) => {
        ended.push(`group ${pid}`);
        marked.delete(pid);
        marked.add(78);
      },
      endProcess: (pid) => {
        ended.push(`process ${pid}`);
        marked.delete(pid);
      },
    });
    assert.deepEqual(ended, ["group 11", "process 77", "process 78"]);
    assert.deepEqual(reaped, [
      { pid: 11, server: "ours" },
      { pid: 77, server: undefined },
      { pid: 78, server: undefined },
    ]);
    assert.equal(readChildrenJournal(path), undefined);
  }));

for (
  const text of ["", "{", "[]", '{"instanceId":""}', '{"instanceId":"x","children":[{"pid":1}]}']
) {
  Deno.test(`a journal that says ${JSON.stringify(text)} ends nothing`, () =>
    inFolder(async (path) => {
      Deno.writeTextFileSync(path, text);
      const never = () => assert.fail("ended something");
      assert.deepEqual(
        await reap({ path, markedWith: () => [], endGroup: never, endProcess: never }),
        [],
      );
    }));
}

Deno.test("without a journal the mark of the announced daemon still leads to what it left", () =>
  inFolder(async (path) => {
    const marked = new Set([77]);
    const reaped = await reap({
      path,
      clock,
      announced: "dead",
      markedWith: (id) => id === "dead" ? [...marked] : [],
      endGroup: () => assert.fail("ended a group"),
      endProcess: (pid) => marked.delete(pid),
    });
    assert.deepEqual(reaped, [{ pid: 77, server: undefined }]);
  }));
