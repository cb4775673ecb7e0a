import assert from "node:assert/strict";
import { FakeEndpoint, LIMITS } from "../../tests/fixtures/exchange.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { Exchange } from "../exchange/exchange.ts";
import { Sessions } from "../exchange/sessions.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { AbsenceWatch } from "./absence.ts";
import type { InboundContext } from "./context.ts";
import { LongAnswers } from "./long_answers.ts";
import { SilenceWatch } from "./replies.ts";
import { ResumableStreams } from "./resumable.ts";
import { postMessage } from "./streamable_http.ts";

const STREAM_FIRST = "text/event-stream, application/json";
const JSON_FIRST = "application/json, text/event-stream";

/** Counts what is opened. */
class CountedStreams extends ResumableStreams {
  opened = 0;

  override open(...args: Parameters<ResumableStreams["open"]>) {
    this.opened++;
    return super.open(...args);
  }
}

/** A daemon with one server whose calls wait for the test. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly endpoint = new FakeEndpoint();
  readonly streams = new CountedStreams({ clock: this.clock, limits: LIMITS });
  readonly sessions: Sessions;
  readonly #silence = new SilenceWatch(this.clock);
  readonly #context: InboundContext;

  constructor() {
    const { clock, endpoint, streams } = this;
    const log = new FakeLog();
    this.sessions = new Sessions({
      limits: LIMITS,
      clock,
      log,
      store: new MemorySessionStore(),
      endpointOf: () => endpoint,
    });
    this.#context = {
      clock,
      log,
      exchange: new Exchange(LIMITS, log),
      sessions: this.sessions,
      limits: LIMITS,
      silence: this.#silence,
      absence: new AbsenceWatch(clock),
      longAnswers: new LongAnswers({ clock, maxLength: Infinity, onCutOff() {} }),
      resumable: streams,
      endpoint: () => endpoint,
    } as unknown as InboundContext;
  }

  post(
    message: unknown,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Response> {
    const request = new Request("http://localhost/mcp/fake", {
      method: "POST",
      signal,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(message),
    });
    return postMessage(this.#context, { request, server: "fake" });
  }

  /** Begins a session. @returns its header. */
  async begin(): Promise<Record<string, string>> {
    const params = {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    };
    const response = await this.post(rpc("initialize", params), { accept: JSON_FIRST });
    await response.body?.cancel();
    return { "mcp-session-id": response.headers.get("mcp-session-id")! };
  }

  [Symbol.dispose](): void {
    this.#silence[Symbol.dispose]();
    this.streams[Symbol.dispose]();
  }
}

function rpc(method: string, params: unknown = {}) {
  return { jsonrpc: "2.0", id: 1, method, params };
}

/** So many levels of arrays. */
function nested(levels: number): unknown {
  return JSON.parse("[".repeat(levels) + "]".repeat(levels));
}

for (const accept of [STREAM_FIRST, JSON_FIRST]) {
  Deno.test(`a refused request leaves no stream behind: ${accept}`, async () => {
    using bench = new Bench();
    const session = await bench.begin();
    const taken = bench.post(rpc("tools/call"), { ...session, accept });
    await waitFor(() => bench.endpoint.calls.length === 1);
    for (let time = 0; time < 100; time++) {
      const refused = await bench.post(rpc("tools/call"), { ...session, accept });
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /still in flight/);
    }
    // What is silent for so long becomes a stream; nobody is silent but the one that was taken.
    for (let second = 0; second < 12; second++) bench.clock.advance(1_000);
    assert.equal(bench.streams.opened, 1);
    bench.endpoint.calls[0].succeed({ content: [] });
    assert.match(await (await taken).text(), /"content":\[\]/);
  });
}

Deno.test("an answer that is there at once is no stream that is kept", async () => {
  using bench = new Bench();
  const session = await bench.begin();
  bench.endpoint.request = (call) => call.succeed({ tools: [] });
  const response = await bench.post(rpc("tools/list"), { ...session, accept: STREAM_FIRST });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.match(await response.text(), /^data: .*"tools":\[\]/m);
  assert.equal(bench.streams.opened, 0);
});

Deno.test("an initialize that is refused leaves no session behind", async () => {
  using bench = new Bench();
  const params = { protocolVersion: "2025-11-25", capabilities: {}, _meta: { deep: nested(300) } };
  const refused = await bench.post(rpc("initialize", params), { accept: JSON_FIRST });
  assert.match(await refused.text(), /nest more than/);
  assert.equal(bench.sessions.size, 0);
});

Deno.test("a client that gives up on a slow initialize leaves no session behind", async () => {
  using bench = new Bench();
  bench.endpoint.initialize = () => new Promise(() => {});
  const params = { protocolVersion: "2025-11-25", capabilities: {} };
  const asked = bench.post(rpc("initialize", params), { accept: JSON_FIRST });
  await waitFor(() => bench.sessions.size === 1);
  // Silent for so long, the response becomes a stream.
  for (let second = 0; second < 12; second++) bench.clock.advance(1_000);
  await (await asked).body!.cancel();
  assert.equal(bench.sessions.size, 0);
});

Deno.test("nor does one that left before a quick one was answered", async () => {
  using bench = new Bench();
  const begun = Promise.withResolvers<Record<string, unknown>>();
  bench.endpoint.initialize = () => begun.promise;
  const params = { protocolVersion: "2025-11-25", capabilities: {} };
  const leaving = new AbortController();
  const message = rpc("initialize", params);
  const asked = bench.post(message, { accept: JSON_FIRST }, leaving.signal);
  await waitFor(() => bench.sessions.size === 1);
  leaving.abort();
  begun.resolve({ protocolVersion: "2025-11-25", capabilities: {}, serverInfo: {} });
  await (await asked).body?.cancel();
  assert.equal(bench.sessions.size, 0);
});

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}
