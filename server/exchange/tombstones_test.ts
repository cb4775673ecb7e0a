import assert from "node:assert/strict";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import {
  FakeEndpoint,
  LIMITS,
  newSession,
  NotedReply,
  request,
} from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import type { ServerEndpoint } from "./server_endpoint.ts";
import type { SessionKind } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { Tombstones } from "./tombstones.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OWN = stdioEntry("fake", {
  sharing: { mode: "session", from: "config" },
  idleTimeoutMs: 30 * MINUTE,
});

/** The table of sessions, one server that gives each client a process, and clients with names. */
class Bench {
  readonly all = new Endpoints();
  readonly endpoint: ServerEndpoint;
  readonly sessions: Sessions;

  constructor(limits = LIMITS, entry = OWN) {
    this.endpoint = this.all.endpoint(entry);
    this.sessions = new Sessions({
      limits,
      clock: this.all.clock,
      log: this.all.log,
      store: new MemorySessionStore(),
      endpointOf: () => this.endpoint,
    });
  }

  /** A client calls under a name, as it would by HTTP: its session is found, or begun. */
  async call(id: string, kind: SessionKind = "modern"): Promise<NotedReply> {
    const session = this.sessions.get(id) ??
      this.sessions.create({ id, kind, endpoint: this.endpoint });
    session.touch();
    const reply = new NotedReply();
    this.all.exchange.request(session, request("tools/call", { params: { name: "x" } }), reply);
    for (let round = 0; round < 5; round++) {
      await settle();
      for (const wire of this.all.opened.flatMap(({ wires }) => wires.opened)) {
        for (const { id, method } of wire.take()) {
          if (id === undefined) continue;
          const hello = {
            protocolVersion: "2025-11-25",
            capabilities: { tools: {} },
            serverInfo: { name: "fake", version: "1" },
          };
          wire.answer(id, method === "initialize" ? hello : {});
        }
      }
    }
    return reply;
  }

  /** Time passes, with turns of the event loop between. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += MINUTE) {
      this.all.clock.advance(MINUTE);
      await settle();
    }
  }

  [Symbol.dispose](): void {
    void this.sessions.close("over");
  }
}

for (const kind of ["modern", "light"] as const) {
  Deno.test(`a ${kind} client that was forgotten is told once what it has lost`, async () => {
    using bench = new Bench();
    assert.equal((await bench.call("client-a", kind)).outcome, "answered");
    await bench.pass(61 * MINUTE);
    assert.equal(bench.sessions.get("client-a"), undefined, "it was forgotten");
    assert.equal(bench.endpoint.instances.size, 0, "and so was its process");
    const told = await bench.call("client-a", kind);
    assert.equal(told.outcome, "upstream_exited");
    assert.equal(told.faults[0]?.details.retryable, true);
    assert.match(told.answers[0].error.message, /the next call begins anew/);
    assert.equal((await bench.call("client-a", kind)).outcome, "answered");
    await bench.pass(MINUTE);
    assert.equal((await bench.call("client-a", kind)).outcome, "answered");
  });
}

Deno.test("so is one whose process had rested before it was forgotten itself", async () => {
  using bench = new Bench();
  await bench.call("client-a");
  await bench.pass(40 * MINUTE);
  assert.equal(bench.endpoint.instances.size, 0, "the process rested");
  assert.notEqual(bench.sessions.get("client-a"), undefined, "the client was not forgotten yet");
  await bench.pass(30 * MINUTE);
  assert.equal(bench.sessions.get("client-a"), undefined);
  assert.equal((await bench.call("client-a")).outcome, "upstream_exited");
  assert.equal((await bench.call("client-a")).outcome, "answered");
});

Deno.test("so is one that made room for another in a full table; the other is not", async () => {
  using bench = new Bench({ ...LIMITS, maxSessions: 1 });
  await bench.call("client-a");
  await bench.pass(6 * MINUTE);
  assert.equal((await bench.call("client-b")).outcome, "answered");
  await bench.pass(6 * MINUTE);
  assert.equal((await bench.call("client-a")).outcome, "upstream_exited");
  assert.equal((await bench.call("client-a")).outcome, "answered");
});

Deno.test("who shared a process, or has told us that it leaves, has lost nothing", async () => {
  using sharing = new Bench(LIMITS, stdioEntry("fake"));
  await sharing.call("client-a");
  await sharing.pass(61 * MINUTE);
  assert.equal(sharing.sessions.get("client-a"), undefined);
  assert.equal((await sharing.call("client-a")).outcome, "answered");

  using leaving = new Bench();
  await leaving.call("light-a", "light");
  leaving.sessions.end(leaving.sessions.get("light-a")!, "the client ended its session");
  assert.equal((await leaving.call("light-a", "light")).outcome, "answered");
});

Deno.test("after a day nobody is told any more", async () => {
  using bench = new Bench();
  await bench.call("client-a");
  await bench.pass(61 * MINUTE);
  bench.all.clock.advance(24 * HOUR + MINUTE);
  assert.equal((await bench.call("client-a")).outcome, "answered");
});

Deno.test("names are bounded: the oldest go first, and those of yesterday", () => {
  const clock = new FakeClock();
  const tombstones = new Tombstones(clock);
  const endpoint = new FakeEndpoint("fake");
  const forget = (id: string) => {
    const session = newSession(id, { endpoint, kind: "modern", clock });
    session.losses = new Map([["fake", id]]);
    tombstones.add(session);
  };
  const lost = (id: string, at = endpoint) => {
    const session = newSession(id, { endpoint: at, kind: "modern", clock });
    tombstones.takeOver(session);
    return session.losses?.get("fake");
  };
  for (let i = 0; i < 10_010; i++) forget(`c${i}`);
  assert.equal(tombstones.size, 10_000);
  assert.deepEqual([lost("c9"), lost("c10"), lost("c10009")], [undefined, "c10", "c10009"]);
  assert.equal(lost("c10"), undefined, "told once");
  assert.equal(lost("c11", new FakeEndpoint("other")), undefined, "told where it was lost");
  clock.advance(25 * HOUR);
  assert.equal(lost("c12"), undefined);
  forget("new");
  assert.equal(tombstones.size, 1);
  assert.equal(lost("new"), "new");
});
