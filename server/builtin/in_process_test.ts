import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { eventually } from "../../tests/e2e/support/within.ts";
import { connectBuiltin, type WorkerCommand } from "./mod.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

/** A client of a reviewer in this process. */
async function connected(worker: WorkerCommand | undefined) {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const connect = connectBuiltin("reviewer", { configFile: "/nowhere", roots: [], worker });
  const server = await connect(far);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(near);
  return {
    review: async (content: string) =>
      (await client.callTool({ name: "review_file", arguments: { path: "a.ts", content } }))
        .structuredContent,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
    },
  };
}

Deno.test("the reviewers of one process share their workers, and take them along when they end", async () => {
  const spawned: number[] = [];
  const running = new Set<number>();
  const worker: WorkerCommand = {
    command: Deno.execPath(),
    args: ["run", "--quiet", "-A", MAIN],
    env: { AICHAKU_INSTANCE: "test" },
    onSpawn(pid) {
      spawned.push(pid);
      running.add(pid);
    },
    onExit: (pid) => running.delete(pid),
  };
  await using here = await connected(undefined);
  {
    await using one = await connected(worker);
    await using two = await connected(worker);
    const text = "eval(x);";
    const result = await one.review(text);
    assert.deepEqual(result, await two.review(text));
    assert.deepEqual(result, await here.review(text));
    assert.equal(spawned.length, 1, "the second was known");
  }
  await eventually(() => running.size === 0 || undefined, `the end of ${[...running]}`);
});
