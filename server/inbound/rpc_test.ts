import assert from "node:assert/strict";
import { FakeEndpoint, LIMITS } from "../../tests/fixtures/exchange.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { Exchange } from "../exchange/exchange.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { AbsenceWatch } from "./absence.ts";
import type { InboundContext } from "./context.ts";
import { SilenceWatch } from "./replies.ts";
import { postRpc } from "./rpc.ts";

Deno.test("who leaves a response that has become a stream takes its call with it", async () => {
  const [clock, log, endpoint] = [new FakeClock(), new FakeLog(), new FakeEndpoint()];
  using silence = new SilenceWatch(clock);
  const context = {
    ...{ clock, log, silence, limits: LIMITS },
    sessions: new Sessions({
      ...{ limits: LIMITS, clock, log, store: new MemorySessionStore() },
      endpointOf: () => endpoint,
    }),
    exchange: new Exchange(LIMITS, log),
    absence: new AbsenceWatch(clock),
    endpoint: () => endpoint,
  } as unknown as InboundContext;
  const request = new Request("http://localhost/rpc/fake", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call" }),
  });
  const asked = postRpc(context, { request, server: "fake" });
  while (endpoint.calls.length === 0) await new Promise((resolve) => setTimeout(resolve));
  for (let second = 0; second < 12; second++) clock.advance(1_000);
  const response = await asked;
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(endpoint.calls[0].settled, false);
  await response.body!.cancel();
  assert.equal(endpoint.calls[0].settled, true);
});
