import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { FakeEndpoint, LIMITS, request } from "../../tests/fixtures/exchange.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { Exchange } from "../exchange/exchange.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { AbsenceWatch } from "./absence.ts";
import type { InboundContext } from "./context.ts";
import { LongAnswers } from "./long_answers.ts";
import { postModern } from "./modern_http.ts";
import { SilenceWatch } from "./replies.ts";

/** A daemon with one server whose calls wait for the test. */
class Bench {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly exchange = new Exchange(LIMITS, this.log);
  endpoint = new FakeEndpoint();
  readonly sessions = new Sessions({
    limits: LIMITS,
    clock: this.clock,
    log: this.log,
    store: new MemorySessionStore(),
    endpointOf: () => this.endpoint,
  });

  post(headers: Record<string, string> = {}): Promise<Response> {
    const { clock, log, exchange, sessions, endpoint } = this;
    const silence = new SilenceWatch(clock);
    const longAnswers = new LongAnswers({ clock, maxLength: Infinity, onCutOff() {} });
    const absence = new AbsenceWatch(clock);
    const context = {
      clock,
      log,
      exchange,
      sessions,
      limits: LIMITS,
      silence,
      absence,
      longAnswers,
    };
    return postModern(context as unknown as InboundContext, {
      request: new Request("http://localhost/mcp/fake", {
        method: "POST",
        headers: {
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/list",
          ...headers,
        },
      }),
      endpoint,
      accepts: { json: true, eventStream: false },
      message: request("tools/list", {
        params: { _meta: { [META.protocolVersion]: "2026-07-28", [META.clientCapabilities]: {} } },
      }),
    });
  }
}

Deno.test("an error of a server's that is no JSON is passed on all the same", async () => {
  const bench = new Bench();
  const responded = bench.post();
  const text = `{"jsonrpc":"2.0","id":1,"error":{"message":"${"x".repeat(300)}","data":NaN}}`;
  bench.endpoint.calls[0].answer(text);
  const response = await responded;
  assert.equal(response.status, 200);
  assert.equal(await response.text(), text);
  assert.equal(bench.sessions.size, 0, "its session went with it");
});

Deno.test("a client that names itself goes on with a server that was configured anew", async () => {
  const bench = new Bench();
  const headers = { "x-aichaku-client": "ada" };
  const first = bench.post(headers);
  bench.endpoint.calls[0].succeed({ tools: [] });
  await first;
  const again = bench.post(headers);
  bench.endpoint.calls[1].succeed({ tools: [] });
  await again;
  assert.equal(bench.sessions.size, 1, "it is the same client");

  const before = bench.endpoint;
  bench.endpoint = new FakeEndpoint();
  const other = bench.post(headers);
  assert.equal(bench.endpoint.calls.length, 1, "the server of before is not there any more");
  bench.endpoint.calls[0].succeed({ tools: [] });
  assert.equal((await other).status, 200);
  assert.equal(before.left.length, 1);
  assert.equal(bench.sessions.size, 1);
});
