import assert from "node:assert/strict";
import { FakeEndpoint, LIMITS } from "../../tests/fixtures/exchange.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { Exchange } from "../exchange/exchange.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import type { InboundContext } from "./context.ts";
import { postInit } from "./v1_aliases.ts";

Deno.test("a session that cannot begin leaves nothing behind", async () => {
  const [clock, log, endpoint] = [new FakeClock(), new FakeLog(), new FakeEndpoint()];
  const store = new MemorySessionStore();
  const sessions = new Sessions({
    ...{ limits: LIMITS, clock, log, store },
    endpointOf: () => endpoint,
  });
  const context = {
    ...{ clock, log, sessions, limits: LIMITS },
    exchange: new Exchange(LIMITS, log),
    endpoint: () => endpoint,
  } as unknown as InboundContext;
  const capabilities = { experimental: JSON.parse("[".repeat(300) + "]".repeat(300)) };
  const response = await postInit(
    context,
    new Request("http://localhost/mcp/v1/init", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ protocolVersion: "2025-11-25", capabilities }),
    }),
  );
  assert.equal(response.status, 400);
  assert.match(await response.text(), /nest more than/);
  assert.equal(sessions.size, 0);
});
