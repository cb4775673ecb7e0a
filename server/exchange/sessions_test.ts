import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import {
  FakeEndpoint,
  LIMITS,
  NotedReader,
  NotedReply,
  request,
} from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { MemorySessionStore } from "../store/memory_session_store.ts";
import { endSession } from "../admin/sessions.ts";
import { Exchange } from "./exchange.ts";
import type { Session, SessionKind } from "./session.ts";
import { Sessions } from "./sessions.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UUID = "01234567-89ab-4cde-8f01-23456789abcd";

/** A table of sessions, and what is around it. Two benches over one store are a restarted daemon. */
class Bench {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly one = new FakeEndpoint("one");
  readonly two = new FakeEndpoint("two");
  readonly all = new FakeEndpoint(undefined);
  readonly sessions: Sessions;
  readonly exchange = new Exchange(LIMITS, this.log);

  constructor(
    readonly store = new MemorySessionStore(),
    readonly wall: { now: number } = { now: 0 },
    limits = LIMITS,
  ) {
    this.sessions = new Sessions({
      limits,
      clock: this.clock,
      log: this.log,
      store,
      endpointOf: (server) =>
        server === null
          ? this.all
          : [this.one, this.two].find((endpoint) => endpoint.server === server),
      wallClock: () => wall.now,
    });
  }

  create(kind: SessionKind = "mcp", endpoint = this.one): Session {
    return this.sessions.create({ kind, endpoint, protocolVersion: "2025-11-25" });
  }

  /** Time passes, for clocks and for the wall. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.wall.now += ms;
  }

  async find(id: string, kind: SessionKind = "mcp", endpoint = this.one): Promise<Session> {
    return await this.sessions.find(id, { kind, endpoint });
  }

  async isLost(...args: Parameters<Bench["find"]>): Promise<boolean> {
    try {
      await this.find(...args);
      return false;
    } catch (error) {
      assert.ok(error instanceof Fault);
      assert.equal(error.reason, "session_not_found");
      return true;
    }
  }
}

Deno.test("an id is found only by its kind and at its endpoint; elsewhere there is no such session", async () => {
  const bench = new Bench();
  const { id } = bench.create();
  assert.equal((await bench.find(id)).id, id);
  assert.ok(await bench.isLost(id, "light"));
  assert.ok(await bench.isLost(id, "mcp", bench.two));
  assert.ok(await bench.isLost(id, "mcp", bench.all));
  assert.ok(await bench.isLost("no-such-session"));
});

Deno.test("ids are minted at random; a client's own is taken once", () => {
  const bench = new Bench();
  assert.notEqual(bench.create().id, bench.create().id);
  const own = { kind: "light", endpoint: bench.one, id: UUID } as const;
  assert.equal(bench.sessions.create(own).id, UUID);
  assert.throws(() => bench.sessions.create(own), { reason: "invalid_request" });
});

Deno.test("a session that ended is gone: calls answered, stream closed, endpoint told, record deleted", async () => {
  const bench = new Bench();
  const session = bench.create();
  const reply = new NotedReply();
  bench.exchange.request(session, request("tools/call"), reply);
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  bench.sessions.end(session, "bye");
  assert.equal(reply.outcome, "cancelled");
  assert.deepEqual([session.mailbox.done, reader.woken > 0], [true, true]);
  assert.deepEqual(bench.one.left, [session.id]);
  await settle();
  assert.equal(await bench.store.get(session.id), undefined);
  assert.ok(await bench.isLost(session.id));
  session.end("again");
  assert.equal(bench.one.left.length, 1);
});

Deno.test("only a session that its client can come back to is written down", async () => {
  const { store, sessions, one } = new Bench();
  const unkept = [
    sessions.create({ kind: "modern", endpoint: one }),
    sessions.create({ kind: "request", endpoint: one }),
    sessions.create({ kind: "light", endpoint: one }),
    sessions.create({ kind: "mcp", endpoint: one, protocolVersion: "2025-11-25", keep: false }),
  ];
  const kept = sessions.create({ kind: "mcp", endpoint: one, protocolVersion: "2025-11-25" });
  for (const session of unkept) session.changed();
  await sessions.close("restart");
  for (const { id, kind } of unkept) assert.equal(await store.get(id), undefined, kind);
  assert.equal((await store.get(kept.id))?.id, kept.id);
});

Deno.test("a session counts as active while somebody is there, and five minutes longer", () => {
  const bench = new Bench();
  const session = bench.create();
  bench.advance(5 * MINUTE - 1);
  assert.equal(bench.sessions.activeCount, 1);
  bench.advance(1);
  assert.equal(bench.sessions.activeCount, 0);
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  assert.equal(bench.sessions.activeCount, 1);
  session.mailbox.detach(reader);
  assert.equal(bench.sessions.activeCount, 0);
  bench.exchange.request(session, request("tools/call"), new NotedReply());
  bench.advance(HOUR);
  assert.equal(bench.sessions.activeCount, 1);
  bench.one.calls[0].succeed({});
  assert.equal(bench.sessions.activeCount, 1);
});

Deno.test("a light session is forgotten after five minutes, an MCP session after a day without a word", async () => {
  const bench = new Bench();
  const light = bench.create("light");
  const mcp = bench.create();
  bench.advance(4 * MINUTE);
  await bench.find(light.id, "light");
  bench.advance(4 * MINUTE);
  assert.ok(bench.sessions.get(light.id), "being heard of counts from then");
  bench.advance(3 * MINUTE);
  assert.ok(await bench.isLost(light.id, "light"));
  bench.advance(23 * HOUR);
  await bench.find(mcp.id);
  bench.advance(25 * HOUR);
  assert.ok(await bench.isLost(mcp.id));
  assert.deepEqual([bench.sessions.size, bench.clock.pending], [0, 0]);
});

Deno.test("a light session with a stream or a call is not forgotten", () => {
  const bench = new Bench();
  const withStream = bench.create("light");
  const withCall = bench.create("light");
  withStream.mailbox.attach(new NotedReader());
  bench.exchange.request(withCall, request("tools/call"), new NotedReply());
  bench.advance(HOUR);
  assert.equal(bench.sessions.size, 2);
});

Deno.test("a machine that slept forgets nobody for it", () => {
  const bench = new Bench();
  const { id } = bench.create("light");
  bench.clock.sleep(HOUR);
  assert.ok(bench.sessions.get(id));
  bench.advance(10 * MINUTE);
  assert.equal(bench.sessions.get(id), undefined);
});

Deno.test("when the table is full, the one unused for longest makes room, and can come back", async () => {
  const bench = new Bench();
  const first = bench.create();
  bench.advance(1000);
  const rest = Array.from({ length: 4 }, () => bench.create());
  bench.advance(5 * MINUTE);
  await bench.find(rest[0].id);
  bench.create();
  assert.deepEqual([bench.sessions.size, first.ended], [5, true]);
  assert.equal((await bench.find(first.id)).id, first.id, "its record brings it back");
  assert.equal(bench.sessions.size, 5);
});

Deno.test("when all are in use, another is refused, and says what to do", () => {
  const bench = new Bench();
  for (let i = 0; i < 5; i++) bench.create();
  assert.throws(() => bench.create(), { reason: "overloaded", message: /maxSessions/ });
  assert.equal(bench.sessions.size, 5);
});

Deno.test("a loop of curl does not keep everybody else out", () => {
  const bench = new Bench();
  const curl = Array.from({ length: 5 }, () => {
    bench.advance(1);
    return bench.create("light");
  });
  curl[0].mailbox.attach(new NotedReader());
  bench.exchange.request(curl[1], request("tools/call"), new NotedReply());
  curl[2].mailbox.post("an answer nobody has taken", "1");
  bench.create();
  assert.deepEqual(curl.map(({ ended }) => ended), [false, false, false, true, false]);
  bench.create();
  assert.throws(() => bench.create(), { reason: "overloaded" });
});

Deno.test("a server that tells all of them of a change does not make them keep everybody else out", () => {
  const bench = new Bench();
  const curl = Array.from({ length: 5 }, () => {
    bench.advance(1);
    return bench.create("light");
  });
  const changed = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
  for (const session of curl) session.tell(changed);
  curl[0].mailbox.post("an answer nobody has taken", "1");
  for (let i = 0; i < 4; i++) bench.create();
  assert.deepEqual(curl.map(({ ended }) => ended), [false, true, true, true, true]);
});

Deno.test("names that modern clients gave themselves do not keep everybody else out either", () => {
  const bench = new Bench();
  const named = Array.from({ length: 5 }, () => {
    bench.advance(1);
    return bench.create("modern");
  });
  bench.exchange.request(named[0], request("tools/call"), new NotedReply());
  // What it has at that server would be lost.
  named[1].setOwned("browser", true);
  named[2].connection = { end() {} };
  bench.create();
  assert.deepEqual(named.map(({ ended }) => ended), [false, false, false, true, false]);
  bench.create();
  assert.throws(() => bench.create(), { reason: "overloaded" });
});

Deno.test("after a restart an MCP session goes on with what it had asked for", async () => {
  const before = new Bench();
  const session = before.sessions.create({
    kind: "mcp",
    endpoint: before.one,
    protocolVersion: "2025-06-18",
    clientInfo: { name: "x" },
  });
  const light = before.create("light");
  session.logLevel = "warning";
  session.subscribe("file:///a");
  session.changed();
  await before.sessions.close("restart");
  assert.ok(session.ended);

  const after = new Bench(before.store, before.wall);
  const [found, again] = await Promise.all([after.find(session.id), after.find(session.id)]);
  assert.equal(found, again);
  assert.deepEqual(
    [found.protocolVersion, found.clientInfo, found.logLevel, [...found.subscriptions]],
    ["2025-06-18", { name: "x" }, "warning", ["file:///a"]],
  );
  assert.deepEqual(after.one.joined, [session.id]);
  assert.ok(await after.isLost(light.id, "light"));
});

Deno.test("a session from before a restart is found only at its endpoint, as itself, and not for ever", async () => {
  const before = new Bench();
  const { id } = before.create();
  await before.sessions.close("restart");
  for (const [kind, server] of [["mcp", "two"], ["light", "one"]] as const) {
    const after = new Bench(before.store, before.wall);
    assert.ok(await after.isLost(id, kind, after[server]));
  }
  before.wall.now += 25 * HOUR;
  assert.ok(await new Bench(before.store, before.wall).isLost(id));
});

Deno.test("an id that is begun anew while its record is read names the new session only", async () => {
  const before = new Bench();
  before.sessions.create({ kind: "mcp", endpoint: before.one, id: UUID, protocolVersion: "x" });
  await before.sessions.close("restart");
  const after = new Bench(before.store, before.wall);
  const restoring = after.isLost(UUID);
  const light = after.sessions.create({ kind: "light", endpoint: after.one, id: UUID });
  assert.ok(await restoring);
  assert.equal(after.sessions.get(UUID), light);
});

Deno.test("after closing nothing begins and nothing is found: the daemon is stopping", async () => {
  const bench = new Bench();
  const { id } = bench.create();
  const closing = bench.sessions.close("stop");
  assert.throws(() => bench.create("light"), { reason: "draining" });
  await assert.rejects(bench.find(id), { reason: "draining" });
  await closing;
  assert.deepEqual([bench.sessions.size, bench.clock.pending], [0, 0]);
});

Deno.test("a store that fails is logged, and costs nobody an answer", async () => {
  const store = new MemorySessionStore();
  store.put = () => Promise.reject(new Error("disk full"));
  const bench = new Bench(store);
  const { id } = bench.create();
  await settle();
  assert.equal((await bench.find(id)).id, id);
  assert.match(bench.log.errors[0], /cannot write sessions/);
});

Deno.test("a flood of clients without names leaves room for those who begin a session", () => {
  const bench = new Bench();
  const nameless = [1, 2, 3].map(() => bench.create("request"));
  assert.throws(() => bench.create("request"), { reason: "overloaded" });
  bench.create("mcp");
  bench.sessions.end(nameless[0], "answered");
  bench.sessions.end(nameless[0], "answered twice");
  bench.create("request");
  assert.throws(() => bench.create("request"), { reason: "overloaded" });
  bench.create("mcp");
});

Deno.test("a session of one request is counted and shown, and no client can name it", () => {
  const bench = new Bench();
  const session = bench.create("request");
  assert.equal(bench.sessions.size, 1);
  assert.deepEqual([...bench.sessions], [session]);
  assert.equal(bench.sessions.get(session.id), undefined);
  endSession(bench.sessions, session.id);
  assert.deepEqual([session.ended, bench.sessions.size], [true, 0]);
});

Deno.test("a session that ends a second time does not end the one that its client began since", () => {
  const bench = new Bench();
  const begin = () => bench.sessions.create({ kind: "light", endpoint: bench.one, id: UUID });
  const first = begin();
  bench.sessions.end(first, "ended by the control plane");
  const second = begin();
  bench.sessions.end(first, "its connection was closed");
  assert.deepEqual([bench.sessions.get(UUID) === second, second.ended], [true, false]);
});

Deno.test("how much waits for a stream is what the configuration says now", () => {
  const limits = { ...LIMITS };
  const bench = new Bench(undefined, undefined, limits);
  const before = bench.create("light");
  limits.maxStreamEvents = 2;
  const after = bench.create("light");
  for (const { mailbox } of [before, after]) {
    for (const text of ["1", "2", "3", "4"]) mailbox.post(text);
    assert.equal(mailbox.waiting, 2);
  }
  limits.maxStreamEvents = LIMITS.maxStreamEvents;
  limits.maxStreamBytes = 3;
  const { mailbox } = bench.create("light");
  for (const text of ["11", "22", "33"]) mailbox.post(text);
  assert.equal(mailbox.waiting, 1);
});

Deno.test("a session that was forgotten for a newer one is not taken from its client by a late end", async () => {
  const bench = new Bench();
  const first = bench.create();
  // Nobody is there any more, and there is no room.
  bench.advance(HOUR);
  while (bench.sessions.get(first.id) !== undefined) bench.create();
  bench.sessions.end(first, "its connection was closed");
  await settle();
  bench.advance(HOUR);
  assert.equal((await bench.find(first.id)).id, first.id);
});
