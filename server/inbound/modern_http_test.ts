import assert from "node:assert/strict";
import { META } from "../../protocol/modern.ts";
import { FakeEndpoint, LIMITS, request as requestOf } from "../../tests/fixtures/exchange.ts";
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
  /** How often the signal of a request was asked for, which is dear. */
  signalsAsked = 0;
  readonly silence = new SilenceWatch(this.clock);
  readonly absence = new AbsenceWatch(this.clock, "2.9.6");
  readonly sessions = new Sessions({
    limits: LIMITS,
    clock: this.clock,
    log: this.log,
    store: new MemorySessionStore(),
    endpointOf: () => this.endpoint,
  });

  post(
    headers: Record<string, string> = {},
    { id = "1", eventStream = false, signal }: {
      id?: string;
      eventStream?: boolean;
      signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    const { clock, log, exchange, sessions, endpoint, silence, absence } = this;
    const longAnswers = new LongAnswers({ clock, maxLength: Infinity, onCutOff() {} });
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
    const request = new Request("http://localhost/mcp/fake", {
      method: "POST",
      signal,
      headers: {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/list",
        ...headers,
      },
    });
    const { signal: seen } = request;
    Object.defineProperty(request, "signal", { get: () => (this.signalsAsked++, seen) });
    return postModern(context as unknown as InboundContext, {
      request,
      endpoint,
      accepts: { json: true, eventStream },
      message: requestOf("tools/list", {
        id,
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

Deno.test("an error of a server's has the status of its code, wherever the id stands, and nothing else has", async () => {
  const error = (code: number) => `"error":{"code":${code},"message":"no"}`;
  for (
    const id of ["1", "12345678901234567890", '""', '"a"', '",\\"error\\":{\\"code\\":-32601}"']
  ) {
    const texts: [text: string, status: number][] = [
      [`{"jsonrpc":"2.0","id":${id},${error(-32601)}}`, 404],
      [`{"jsonrpc":"2.0","id":${id},${error(-32600)}}`, 400],
      [`{"jsonrpc":"2.0","id":${id},${error(-32010)}}`, 200],
      [`{"jsonrpc":"2.0",${error(-32601)},"id":${id}}`, 404],
      [`{${error(-32601)},"jsonrpc":"2.0","id":${id}}`, 404],
      [`{"jsonrpc":"2.0","id":${id},"error":{"message":"${"x".repeat(300)}","code":-32601}}`, 404],
      [`{"jsonrpc":"2.0","id":${id},"result":{${error(-32601)}}}`, 200],
      [`{"result":{${error(-32601)}},"jsonrpc":"2.0","id":${id}}`, 200],
      [`{"jsonrpc":"2.0","result":{${error(-32601)}},"id":${id}}`, 200],
    ];
    const bench = new Bench();
    for (const [text, status] of texts) {
      const responded = bench.post({}, { id });
      bench.endpoint.calls.at(-1)!.answer(text);
      const response = await responded;
      assert.deepEqual([response.status, await response.text()], [status, text]);
    }
  }
});

Deno.test("a thousand requests of clients without a name leave nothing behind, however they end", async () => {
  const bench = new Bench();
  for (let i = 0; i < 1000; i++) {
    const left = new AbortController();
    const responded = bench.post({}, { eventStream: true, signal: left.signal });
    const call = bench.endpoint.calls.pop()!;
    assert.equal(bench.sessions.size, 1);
    if (i % 4 === 0) call.succeed({ tools: [] });
    else if (i % 4 === 1) {
      left.abort();
      bench.clock.advance(1_000);
    } else if (i % 4 === 2) bench.sessions.end([...bench.sessions][0], "by hand");
    else {
      bench.clock.advance(11_000);
      call.succeed({ tools: [] });
    }
    const response = await responded;
    // Only of those that were not answered soon.
    bench.clock.advance(1_000);
    assert.equal(bench.signalsAsked > 0, i % 2 === 1);
    bench.signalsAsked = 0;
    assert.equal(JSON.parse((await response.text()).replace(/^[^{]*/, "")).id, 1);
    assert.deepEqual([bench.sessions.size, bench.endpoint.left.length], [0, i + 1]);
    assert.equal(call.session.calls.size, 0);
  }
  bench.clock.advance(60_000);
  assert.equal(bench.clock.pending, 0);
  assert.deepEqual(bench.log.errors, []);
});

Deno.test("a request that is refused leaves nothing behind either", async () => {
  const bench = new Bench();
  for (const failure of [new Error("a fault of ours"), undefined]) {
    bench.endpoint.failure = failure;
    if (failure === undefined) bench.exchange.drain("stop");
    const response = await bench.post({}, { eventStream: true });
    assert.equal(
      JSON.parse(await response.text()).error.data.reason,
      failure ? "internal" : "draining",
    );
    assert.equal(bench.sessions.size, 0);
  }
  bench.clock.advance(60_000);
  assert.equal(bench.clock.pending, 0);
});
