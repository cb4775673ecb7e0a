/**
 * What a client finds of what it was promised before its server could be asked.
 */

import assert from "node:assert/strict";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { PROJECT, serveAll, settleAll } from "../../tests/fixtures/served_endpoints.ts";

Deno.test("lists of what a server turns out not to have are empty, however often they are asked for", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(PROJECT);
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  await endpoint.initialize(client.session, {});
  for (const [method, empty] of [["tools/list", undefined], ["prompts/list", []]] as const) {
    for (let again = 0; again < 2; again++) {
      const reply = client.call(method);
      await settleAll();
      for (const question of reply.notified) {
        client.respond(question, { result: { roots: [{ uri: "file:///tmp" }] } });
      }
      for (let i = 0; i < 3; i++) {
        await settleAll();
        serveAll(all);
      }
      assert.equal(reply.outcome, "answered", method);
      assert.deepEqual(reply.answers[0].result.prompts, empty, method);
    }
  }
});
