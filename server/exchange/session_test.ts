import assert from "node:assert/strict";
import { newSession, NotedReader, NotedReply, request } from "../../tests/fixtures/exchange.ts";
import { FakeEndpoint } from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { Call } from "./call.ts";
import type { SessionKind } from "./session.ts";
import type { Question } from "../upstream/question.ts";

const KINDS: SessionKind[] = ["mcp", "light", "modern", "request"];
const QUESTION: Question = { method: "roots/list", params: undefined, timeoutMs: 1_000 };

/** What a reader of a session's stream is given. */
function textsOf(session: ReturnType<typeof newSession>, reader: NotedReader): string[] {
  return session.mailbox.take(reader).map(({ text }) => text);
}

Deno.test("what is told reaches an open stream, whoever the client is", () => {
  for (const kind of KINDS) {
    const session = newSession("a", { kind });
    const reader = new NotedReader();
    session.mailbox.attach(reader);
    session.tell("1");
    session.tell("2");
    assert.deepEqual(textsOf(session, reader), ["1", "2"], kind);
  }
});

Deno.test("what is told before there is a stream waits for a light session alone", () => {
  for (const kind of KINDS) {
    const session = newSession("a", { kind });
    session.tell("early");
    const reader = new NotedReader();
    session.mailbox.attach(reader);
    assert.deepEqual(textsOf(session, reader), kind === "light" ? ["early"] : [], kind);
  }
});

Deno.test("what is told while a stream is away that can come back waits for it", () => {
  const session = newSession("a");
  session.mailbox.keepFromNow();
  session.tell("early");
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  session.mailbox.detach(reader);
  session.tell("late");
  session.mailbox.attach(reader);
  assert.deepEqual(textsOf(session, reader), ["early", "late"]);
});

Deno.test("a stream that is opened as the session ends is over at once, and nothing comes by it", () => {
  for (const kind of KINDS) {
    const session = newSession("a", { kind });
    session.end("bye");
    session.tell("late");
    const reader = new NotedReader();
    session.mailbox.attach(reader);
    assert.ok(reader.woken > 0, kind);
    session.tell("later");
    assert.deepEqual([textsOf(session, reader), session.mailbox.done], [[], true], kind);
  }
});

Deno.test("a session that is told something by its own end leaves no stream open", () => {
  const endpoint = new FakeEndpoint();
  const session = newSession("a", { kind: "light", endpoint });
  endpoint.leave = (leaving) => leaving.tell("one last thing");
  session.end("bye");
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  assert.deepEqual([textsOf(session, reader), session.mailbox.done], [[], true]);
});

Deno.test("what one session keeps is no other's, and what it never kept can be taken back", () => {
  const [one, other] = [newSession("one"), newSession("other")];
  assert.equal(one.unsubscribe("x://a"), false);
  one.setOrigin("x://a", undefined);
  one.setOwned("browser", false);
  one.subscribe("x://a");
  one.setOrigin("x://a", "files");
  one.setOwned("browser", true);
  const kept = ({ subscriptions, origins, owned }: typeof one) => [
    ...[...subscriptions],
    ...[...origins],
    ...[...owned],
  ];
  assert.deepEqual(kept(one), ["x://a", ["x://a", "files"], "browser"]);
  assert.deepEqual(kept(other), []);
  assert.equal(one.unsubscribe("x://a"), true);
  one.setOrigin("x://a", undefined);
  one.setOwned("browser", false);
  assert.deepEqual(kept(one), []);
});

Deno.test("a question to a client without a stream fails at once, one that can wait does so, and the end of the session ends it", async () => {
  const clock = new FakeClock();
  const session = newSession("a", { clock });
  await assert.rejects(session.ask(QUESTION).answer, { reason: "unattributable" });
  const waiting = session.askOnceThere(QUESTION);
  session.end("bye");
  await assert.rejects(waiting.answer, { reason: "cancelled" });
  assert.equal(clock.pending, 0);
});

Deno.test("a question that waited is asked by the first stream, and its answer finds it", async () => {
  const session = newSession("a");
  const waiting = session.askOnceThere(QUESTION);
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  const [{ id, method }] = textsOf(session, reader).map((text) => JSON.parse(text));
  assert.equal(method, "roots/list");
  const answer = { kind: "response", id: JSON.stringify(id), result: { roots: [] } } as const;
  assert.equal(session.questions.answer(answer), true);
  assert.deepEqual(await waiting.answer, { result: { roots: [] } });
});

Deno.test("a client that closed its stream has left, until it comes back", async () => {
  const clock = new FakeClock();
  const session = newSession("a", { clock });
  const reader = new NotedReader();
  session.mailbox.attach(reader);
  clock.advance(60_000);
  assert.equal(session.left, false);
  session.mailbox.detach(reader);
  assert.equal(session.left, false, "it may be about to open it again");
  clock.advance(3_000);
  assert.equal(session.left, true);
  session.reached();
  assert.equal(session.left, false);
  await settle();
});

Deno.test("a session without a stream has left when nobody heard of it for long", () => {
  const clock = new FakeClock();
  const session = newSession("a", { clock, kind: "light" });
  const call = new Call(session, request("tools/call"), new NotedReply());
  session.calls.set(call.key, call);
  clock.advance(10 * 60_000);
  assert.deepEqual([session.inUse, session.left, session.spare], [true, false, false]);
  call.succeed({});
  assert.deepEqual([session.inUse, session.left, session.spare], [false, false, true]);
  session.tell("what everybody is told");
  assert.equal(session.spare, true, "no answer to anything it asked");
  session.mailbox.post("an answer", "1");
  assert.equal(session.spare, false, "something waits for it");
  clock.advance(5 * 60_000);
  assert.equal(session.left, true);
});
