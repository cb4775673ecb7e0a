import assert from "node:assert/strict";

import { discover, type Verdict } from "./discover.ts";
import { AichakuError, type AichakuErrorDetails } from "./errors.ts";
import { HttpRefusal } from "./http_wire.ts";
import type { JsonObject } from "./jsonrpc.ts";
import { rejection } from "./testdata/fixtures.ts";

function rpc(code: number | undefined, data?: unknown): AichakuError {
  return new AichakuError("rpc", `error ${code}`, { code, data } as AichakuErrorDetails);
}

/** What comes out when the question is answered so, one answer after the other. */
function verdictOn(...answers: (JsonObject | Error)[]): Promise<Verdict> {
  return discover(() => {
    const answer = answers.shift();
    assert.ok(answer, "it is not asked again");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }, "tester");
}

const discovered = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } };
const unsupported = (...supported: string[]) => rpc(-32022, { supported, requested: "x" });

Deno.test("discover: a server that answers the question is modern, however little it says", async () => {
  const verdict = await verdictOn({ supportedVersions: ["2026-07-28"] });
  assert.deepEqual(verdict, {
    era: "modern",
    discovery: {
      serverInfo: { name: "tester", version: "" },
      capabilities: {},
      initializeResult: {
        protocolVersion: "2026-07-28",
        capabilities: {},
        serverInfo: { name: "tester", version: "" },
      },
    },
  });
});

const LEGACY: [string, JsonObject | Error][] = [
  ["does not know it", rpc(-32601)],
  ["finds its parameters wrong", rpc(-32602)],
  ["wants to be initialized", rpc(-32000)],
  ["gives no code", rpc(undefined)],
  ["names no revisions", rpc(-32022)],
  ["answers something else", { tools: [] }],
  ["refuses the request without a word", new HttpRefusal("no", 400)],
  ["has no such address", new HttpRefusal("no", 404)],
  ["takes no POST", new HttpRefusal("no", 405)],
];
for (const [what, answer] of LEGACY) {
  Deno.test(`discover: a server that ${what} is a legacy one`, async () => {
    assert.deepEqual(await verdictOn(answer), { era: "legacy" });
  });
}

const NO_VERDICT: [string, Error][] = [
  ["wants other headers", rpc(-32020)],
  ["wants another capability", rpc(-32021)],
  ["cannot be started", rpc(-32011, { reason: "upstream_unavailable" })],
  ["is stopping", rpc(-32014, { reason: "draining" })],
  ["wants to know who asks", new HttpRefusal("no", 401)],
  ["is not allowed", new HttpRefusal("no", 403)],
  ["has failed", new HttpRefusal("no", 500)],
  ["is not there", new AichakuError("connection_lost", "lost")],
  ["is closed", new AichakuError("closed", "closed")],
];
for (const [what, error] of NO_VERDICT) {
  Deno.test(`discover: a server that ${what} is of no era; the error is told`, async () => {
    await assert.rejects(verdictOn(error), error);
  });
}

Deno.test("discover: what a server names is asked for, once", async () => {
  const again = await verdictOn(unsupported("2026-07-28"), discovered);
  assert.equal(again.era, "modern");
  const twice = verdictOn(unsupported("2026-07-28"), unsupported("2026-07-28"));
  assert.equal((await rejection(twice, "rpc")).reason, "upstream_unavailable");
});

Deno.test("discover: of several revisions the known one is chosen, and none is made up", async () => {
  const legacy = { era: "legacy", revision: "2025-03-26" };
  assert.deepEqual(await verdictOn(unsupported("2030-01-01", "2025-03-26")), legacy);
  assert.deepEqual(await verdictOn({ supportedVersions: ["2030-01-01", "2025-03-26"] }), legacy);
  const unknown = await rejection(verdictOn(unsupported("2030-01-01")), "rpc");
  assert.match(unknown.message, /only \["2030-01-01"\]; update this program/);
});
