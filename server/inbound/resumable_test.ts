import { deepEqual, equal, match, notEqual, throws } from "node:assert/strict";
import type { MailboxReader } from "../exchange/mailbox.ts";
import { Session } from "../exchange/session.ts";
import { FakeEndpoint, LIMITS } from "../../tests/fixtures/exchange.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { type ResumableStream, ResumableStreams, type Resumption } from "./resumable.ts";

class Bench {
  readonly clock = new FakeClock();
  readonly limits = { ...LIMITS, maxStreamBytes: 1000 };
  readonly streams = new ResumableStreams({ clock: this.clock, limits: this.limits });

  session(protocolVersion = "2025-11-25"): Session {
    return new Session({
      id: crypto.randomUUID(),
      kind: "mcp",
      endpoint: new FakeEndpoint(),
      mailbox: { maxEvents: 10, maxBytes: 1000, keep: false },
      clock: this.clock,
      protocolVersion,
    });
  }

  /** A stream that is over, with one answer in it. */
  answered(session: Session, id: string, text = "answer"): ResumableStream {
    const stream = this.streams.open(session, id)!;
    stream.mailbox.post(text, id);
    stream.finish();
    return stream;
  }
}

/** What a GET would read now. */
function texts(found: Resumption | undefined): string[] {
  if (found?.kind !== "stream") return [found?.event ?? "nothing"];
  const reader: MailboxReader = { wake() {}, superseded() {} };
  found.stream.mailbox.attach(reader, found.lastSeen);
  const taken = found.stream.mailbox.take(reader).map(({ text }) => text);
  found.stream.mailbox.detach(reader);
  return taken;
}

Deno.test("revisions before 2025-03-26 have no event ids", () => {
  const bench = new Bench();
  const old = bench.session("2024-11-05");
  equal(bench.streams.open(old, "1"), undefined);
  equal(bench.streams.find(old, "g.00000000.1"), undefined);
  notEqual(bench.streams.open(bench.session("2025-03-26"), "1"), undefined);
});

Deno.test("what came after the event is given again, from its own stream only", () => {
  const bench = new Bench();
  const session = bench.session();
  const stream = bench.streams.open(session, "1")!;
  const other = bench.answered(session, "2", "other");
  stream.mailbox.post("a");
  stream.mailbox.post("b", "1");
  deepEqual(texts(bench.streams.find(session, stream.eventId(0))), ["a", "b"]);
  deepEqual(texts(bench.streams.find(session, stream.eventId(1))), ["b"]);
  deepEqual(texts(bench.streams.find(session, stream.eventId(2))), []);
  deepEqual(texts(bench.streams.find(session, other.eventId(0))), ["other"]);
  notEqual(stream.eventId(1), other.eventId(1));
});

Deno.test("of streams that are over, the last sixteen are kept, for five minutes", () => {
  const bench = new Bench();
  const session = bench.session();
  const all = Array.from({ length: 20 }, (_, id) => bench.answered(session, String(id), `${id}`));
  const kept = () => all.map((one) => texts(bench.streams.find(session, one.eventId(0)))[0]);
  const lost = /"code":-32013,.*not kept any more/;
  for (const [at, text] of kept().entries()) {
    if (at < 4) match(text, lost);
    else equal(text, `${at}`);
  }
  match(kept()[0], /^id: p\S+\.1\ndata: \{"jsonrpc":"2.0","id":0,"error"/);
  bench.clock.advance(5 * 60_000 + 2000);
  for (const text of kept()) match(text, lost);
});

Deno.test("and together they hold no more than one stream may", () => {
  const bench = new Bench();
  const session = bench.session();
  const text = "x".repeat(400);
  const [first, second, third] = ["1", "2", "3"].map((id) => bench.answered(session, id, text));
  match(texts(bench.streams.find(session, first.eventId(0)))[0], /not kept/);
  for (const one of [second, third]) {
    deepEqual(texts(bench.streams.find(session, one.eventId(0))), [text]);
  }
});

Deno.test("an event of another life ends its call under its own id, whatever that was", () => {
  const bench = new Bench();
  for (const id of ["7", '"a"', '"ünï/?.🦉"', "-1.5"]) {
    const before = bench.answered(bench.session(), id);
    const [event] = texts(bench.streams.find(bench.session(), before.eventId(1)));
    const answer = JSON.parse(/data: (.*)\n/.exec(event)![1]);
    deepEqual([JSON.stringify(answer.id), answer.error.data.reason], [id, "draining"]);
  }
  const long = bench.answered(bench.session(), JSON.stringify("x".repeat(5000)));
  const [event] = texts(bench.streams.find(bench.session(), long.eventId(1)));
  match(event, /"id":null/);
});

Deno.test("what is no event id is refused, not guessed at", () => {
  const bench = new Bench();
  const session = bench.session();
  for (
    const id of [
      "1",
      "p",
      "g.1.1",
      "p.00000000.1.!.1",
      "p.00000000.1.e30.1", // {}
      "p.00000000.1.MQ.1\u0000",
      "g.00000000.1e5",
      `p.00000000.1.${"A".repeat(500)}.1`,
    ]
  ) {
    throws(() => bench.streams.find(session, id), { reason: "invalid_request" }, id);
  }
});
