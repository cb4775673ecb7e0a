import assert from "node:assert/strict";
import type { JsonObject } from "../../protocol/json.ts";
import { MessageFault } from "../../protocol/message.ts";
import {
  FakeEndpoint,
  LIMITS,
  newSession,
  NotedReply,
  request,
} from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { Exchange } from "./exchange.ts";
import type { Session } from "./session.ts";

class Bench {
  readonly log = new FakeLog();
  readonly exchange = new Exchange(LIMITS, this.log);
  readonly endpoint = new FakeEndpoint();
  readonly session = newSession("a", { endpoint: this.endpoint });

  request(id: string, session: Session = this.session, method = "tools/call"): NotedReply {
    const reply = new NotedReply();
    this.exchange.request(session, request(method, { id }), reply);
    return reply;
  }

  notify(method: string, params?: JsonObject, session = this.session): void {
    this.exchange.notification(session, { kind: "notification", method, params });
  }
}

Deno.test("an id still in flight is refused under that id, and the call before it is not touched", () => {
  const bench = new Bench();
  const first = bench.request("7");
  assert.throws(() => bench.request("7"), (error) => {
    assert.ok(error instanceof MessageFault);
    assert.deepEqual([error.reason, error.id], ["invalid_request", "7"]);
    return true;
  });
  assert.equal(bench.endpoint.calls.length, 1);
  const asText = bench.request('"7"');
  const elsewhere = bench.request("7", newSession("b", { endpoint: bench.endpoint }));
  bench.endpoint.calls[0].succeed("first");
  assert.deepEqual(first.answers, [{ jsonrpc: "2.0", id: 7, result: "first" }]);
  assert.deepEqual([asText.outcome, elsewhere.outcome], [undefined, undefined]);
  const again = bench.request("7");
  bench.endpoint.calls[3].succeed("again");
  assert.equal(again.answers[0].result, "again");
});

Deno.test("params that nest too deeply reach no server: it could die of them for all its clients", () => {
  const bench = new Bench();
  const nested = (levels: number) => ({ x: JSON.parse("[".repeat(levels) + "]".repeat(levels)) });
  const call = (levels: number) =>
    bench.exchange.request(
      bench.session,
      { ...request("tools/call", { id: String(levels) }), params: nested(levels) },
      new NotedReply(),
    );
  call(255);
  assert.equal(bench.endpoint.calls.length, 1);
  for (const levels of [256, 200_000]) {
    assert.throws(() => call(levels), /nest more than 256 levels/);
  }
  assert.equal(bench.endpoint.calls.length, 1);
});

Deno.test("a call is answered once: whatever comes after the answer is dropped", () => {
  const bench = new Bench();
  const reply = bench.request("1");
  const [call] = bench.endpoint.calls;
  call.notify('{"method":"x"}');
  call.succeed(1);
  call.succeed(2);
  call.cancel("late");
  call.notify('{"method":"late"}');
  call.failWith({ code: 1 });
  assert.deepEqual(reply.texts, ['{"method":"x"}', '{"jsonrpc":"2.0","id":1,"result":1}']);
  assert.equal(bench.session.calls.size, 0);
});

Deno.test("beyond its bound a session is told to wait; others are not", () => {
  const bench = new Bench();
  const replies = ["1", "2", "3", "4", "5", "6"].map((id) => bench.request(id));
  assert.deepEqual(replies.map(({ outcome }) => outcome), [
    ...Array(5).fill(undefined),
    "overloaded",
  ]);
  assert.equal(bench.endpoint.calls.length, 5);
  bench.request("1", newSession("b", { endpoint: bench.endpoint }));
  assert.equal(bench.endpoint.calls.length, 6);
  bench.endpoint.calls[0].succeed({});
  assert.equal(bench.request("6").outcome, undefined);
});

Deno.test("while the daemon stops, new calls are refused and running ones go on", () => {
  const bench = new Bench();
  const running = bench.request("1");
  bench.exchange.drain("SIGTERM");
  assert.match(bench.exchange.refusal!.message, /SIGTERM/);
  assert.equal(bench.request("2").outcome, "draining");
  bench.endpoint.calls[0].succeed({});
  assert.equal(running.outcome, "answered");
});

Deno.test("whatever an endpoint throws, the call is answered, and its id is free again", () => {
  const bench = new Bench();
  bench.endpoint.failure = new RangeError("too deep");
  const reply = bench.request("1");
  assert.deepEqual([reply.outcome, reply.answers.length], ["internal", 1]);
  assert.equal(bench.session.calls.size, 0);
  assert.equal(bench.log.errors.length, 1);
});

Deno.test("a result too deep to be written is an error for its call", () => {
  const bench = new Bench();
  const deep = JSON.parse('{"0":' + "[".repeat(200_000) + "]".repeat(200_000) + "}");
  const replies = [bench.request("1"), bench.request("2")];
  bench.endpoint.calls[0].succeed(deep);
  bench.endpoint.calls[1].failWith(deep);
  for (const { outcome, answers } of replies) {
    assert.deepEqual([outcome, answers.length], ["upstream_invalid", 1]);
  }
});

Deno.test("initialize within a session is answered, or fails, once", async () => {
  const bench = new Bench();
  const good = bench.request("1", bench.session, "initialize");
  await settle();
  assert.deepEqual(good.answers[0].result, { protocolVersion: "2025-11-25" });
  bench.endpoint.failure = new Error("boom");
  const bad = bench.request("1", bench.session, "initialize");
  await settle();
  assert.equal(bad.outcome, "internal");
});

Deno.test("cancelling reaches the session's own call of that very id, and nothing else", () => {
  const bench = new Bench();
  const other = newSession("b", { endpoint: bench.endpoint });
  const [number, text] = [bench.request("1"), bench.request('"1"')];
  const foreign = bench.request("1", other);
  for (const requestId of ["2", null, undefined, {}, [1], true]) {
    bench.notify("notifications/cancelled", { requestId });
  }
  bench.notify("notifications/cancelled");
  assert.deepEqual([number, text, foreign].map(({ outcome }) => outcome), [
    undefined,
    undefined,
    undefined,
  ]);
  bench.notify("notifications/cancelled", { requestId: 1, reason: "never mind" });
  assert.deepEqual([number, text, foreign].map(({ outcome }) => outcome), [
    "cancelled",
    undefined,
    undefined,
  ]);
  assert.match(number.answers[0].error.message, /never mind/);
  bench.notify("notifications/cancelled", { requestId: "1" });
  assert.equal(text.outcome, "cancelled");
  assert.deepEqual(bench.endpoint.notifications, []);
});

Deno.test("an answer to a question never asked is refused", () => {
  const bench = new Bench();
  assert.throws(
    () => bench.exchange.notification(bench.session, { kind: "response", id: "1", result: {} }),
    { name: "MessageFault", reason: "invalid_request" },
  );
});

Deno.test("other notifications go to the endpoint; progress of a question never asked goes nowhere", () => {
  const bench = new Bench();
  bench.notify("notifications/progress", { progressToken: 1, progress: 1 });
  bench.notify("notifications/roots/list_changed");
  assert.deepEqual(bench.endpoint.notifications.map(({ method }) => method), [
    "notifications/roots/list_changed",
  ]);
});
