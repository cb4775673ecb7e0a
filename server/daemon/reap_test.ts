import assert from "node:assert/strict";
import { join } from "@std/path";
import { createChildRegistry, readChildrenJournal } from "./children.ts";
import { createLogger } from "./log.ts";
import { reap } from "./reap.ts";

const log = createLogger({ write() {} });

async function inFolder(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(join(folder, "children.json"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("children that came and did not go are in the journal", () =>
  inFolder((path) => {
    const startTimeOf = (pid: number) => pid * 10;
    const registry = createChildRegistry({
      instanceId: "i",
      path,
      reaper: undefined,
      log,
      startTimeOf,
    });
    registry.add(11, "a");
    registry.add(12, "b");
    registry.remove(11);
    assert.deepEqual(readChildrenJournal(path), {
      instanceId: "i",
      children: [{ pid: 12, startTime: 120, server: "b" }],
    });
  }));

Deno.test("a recycled process id is never ended; the mark of the dead daemon is", () =>
  inFolder((path) => {
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
    const reaped = reap({
      path,
      startTimeOf: (pid) => pid === 11 ? 100 : 999,
      markedWith: (id) => id === "dead" ? [11, 77] : [],
      endGroup: (pid) => ended.push(`group ${pid}`),
      endProcess: (pid) => ended.push(`process ${pid}`),
    });
    assert.deepEqual(ended, ["group 11", "process 77"]);
    assert.deepEqual(reaped, [{ pid: 11, server: "ours" }, { pid: 77, server: undefined }]);
    assert.equal(readChildrenJournal(path), undefined);
  }));

for (
  const text of ["", "{", "[]", '{"instanceId":""}', '{"instanceId":"x","children":[{"pid":1}]}']
) {
  Deno.test(`a journal that says ${JSON.stringify(text)} ends nothing`, () =>
    inFolder((path) => {
      Deno.writeTextFileSync(path, text);
      const never = () => assert.fail("ended something");
      assert.deepEqual(
        reap({ path, markedWith: () => [], endGroup: never, endProcess: never }),
        [],
      );
    }));
}
