import { deepEqual, equal } from "node:assert/strict";
import type { ReloadOutcome } from "../daemon/app.ts";
import { postReload } from "./reload.ts";

async function answerTo(outcome: ReloadOutcome): Promise<{ status: number; body: unknown }> {
  const response = await postReload({ requestReload: () => Promise.resolve(outcome) });
  return { status: response.status, body: await response.json() };
}

Deno.test("POST /reload tells what changed, or why nothing did", async () => {
  const report = { added: ["a"], removed: [], changed: ["b"], unchanged: [], restart: [] };
  deepEqual(await answerTo({ kind: "reloaded", report }), {
    status: 200,
    body: { status: "reloaded", ...report },
  });
  const refused = await answerTo({ kind: "kept", problem: "c.json:1:1: broken" });
  equal(refused.status, 422);
  deepEqual(refused.body, { status: "kept", problem: "c.json:1:1: broken" });
});
