import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { LIMITS } from "../../tests/fixtures/exchange.ts";
import { FakeClock, settle } from "../../tests/fixtures/fake_clock.ts";
import { LONG, LongAnswers } from "./long_answers.ts";
import {
  type Accepts,
  PostReply,
  type PostReplyOptions,
  readAccept,
  SilenceWatch,
} from "./replies.ts";

const ACCEPTS: [header: string | null, json: boolean, eventStream: boolean, streamFirst?: true][] =
  [
    [null, true, false],
    ["application/json, text/event-stream", true, true],
    ["text/event-stream", false, true],
    ["application/json", true, false],
    ["*/*", true, false],
    ["application/*;q=0.8", true, false],
    ["text/event-stream;q=1, application/json;q=0.5", true, true, true],
    ["text/event-stream, application/json", true, true, true],
    ["text/event-stream, */*", true, true],
    ["text/html", false, false],
    ["", false, false],
  ];

for (const [header, json, eventStream, streamFirst] of ACCEPTS) {
  Deno.test(`accept ${JSON.stringify(header)} is json: ${json}, stream: ${eventStream}`, () => {
    const first = streamFirst === undefined ? {} : { streamFirst };
    assert.deepEqual(readAccept(header), { json, eventStream, ...first });
  });
}

const BOTH: Accepts = { json: true, eventStream: true };
const JSON_ONLY: Accepts = { json: true, eventStream: false };
const STREAM_ONLY: Accepts = { json: false, eventStream: true };
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}';
const PROGRESS = '{"jsonrpc":"2.0","method":"notifications/progress"}';

function longAnswers(clock: FakeClock): LongAnswers {
  return new LongAnswers({ clock, maxLength: LONG, onCutOff: () => assert.fail("cut off") });
}

/** A reply to one POST, and whether its response has begun. */
class Bench {
  readonly clock = new FakeClock();
  readonly silence = new SilenceWatch(this.clock);
  readonly reply: PostReply;
  response: Response | undefined;

  constructor(accepts: Accepts, options: Partial<PostReplyOptions> = {}) {
    const { clock, silence } = this;
    const headers = { "x-session-id": "s" };
    this.reply = new PostReply(
      { clock, silence, longAnswers: longAnswers(clock), limits: LIMITS },
      {
        id: "1",
        accepts,
        headers,
        ...options,
      },
    );
    this.reply.response.then((response) => this.response = response);
  }

  async begun(): Promise<Response | undefined> {
    await settle();
    return this.response;
  }

  /** Status, type and whole text of the response. */
  async result(): Promise<[status: number, type: string | null, text: string]> {
    const response = await this.reply.response;
    assert.equal(response.headers.get("x-session-id"), "s");
    return [response.status, response.headers.get("content-type"), await response.text()];
  }
}

Deno.test("an answer that comes first is plain JSON for whoever takes it", async () => {
  for (const accepts of [BOTH, JSON_ONLY]) {
    const bench = new Bench(accepts);
    assert.equal(await bench.begun(), undefined);
    bench.reply.answer(ANSWER, undefined);
    assert.deepEqual(await bench.result(), [200, "application/json", ANSWER]);
    bench.clock.advance(1_000);
    assert.equal(bench.clock.pending, 0, "nothing watches a call that was answered");
  }
});

Deno.test("for whoever takes only a stream, it is one finished event", async () => {
  const bench = new Bench(STREAM_ONLY);
  bench.reply.answer(ANSWER, undefined);
  assert.deepEqual(await bench.result(), [200, "text/event-stream", `data: ${ANSWER}\n\n`]);
});

Deno.test("a notification before the answer makes the response a stream, and it comes first", async () => {
  const bench = new Bench(BOTH);
  bench.reply.notify(PROGRESS);
  bench.reply.notify(PROGRESS);
  bench.reply.answer(ANSWER, undefined);
  const event = (text: string) => `data: ${text}\n\n`;
  assert.deepEqual(await bench.result(), [
    200,
    "text/event-stream",
    event(PROGRESS) + event(PROGRESS) + event(ANSWER),
  ]);
});

Deno.test("for whoever takes no stream, notifications are left out", async () => {
  const bench = new Bench(JSON_ONLY);
  bench.reply.notify(PROGRESS);
  bench.reply.answer(ANSWER, undefined);
  assert.deepEqual(await bench.result(), [200, "application/json", ANSWER]);
});

Deno.test("an error has its status only where the endpoint uses it", async () => {
  const fault = new Fault("overloaded", "x");
  const text = fault.toResponseText("1");
  const plain = new Bench(BOTH);
  plain.reply.answer(text, fault);
  assert.deepEqual(await plain.result(), [200, "application/json", text]);
  const rpc = new Bench(JSON_ONLY, {
    statusOf: ({ httpStatus }) => httpStatus,
    headersOf: () => ({ "x-session-id": "s", "retry-after": "1" }),
  });
  rpc.reply.answer(text, fault);
  assert.equal((await rpc.reply.response).headers.get("retry-after"), "1");
  assert.deepEqual(await rpc.result(), [503, "application/json", text]);
});

Deno.test("after ten seconds of silence the response begins, and the answer comes in it", async () => {
  const bench = new Bench(BOTH);
  bench.clock.advance(9_000);
  assert.equal(await bench.begun(), undefined);
  bench.clock.advance(2_000);
  const response = await bench.begun();
  assert.equal(response?.headers.get("content-type"), "text/event-stream");
  const reader = response!.body!.getReader();
  const first = reader.read();
  await settle();
  bench.clock.advance(15_000);
  assert.equal(new TextDecoder().decode((await first).value), ": keep-alive\n\n");
  bench.reply.answer(ANSWER, undefined);
  assert.equal(new TextDecoder().decode((await reader.read()).value), `data: ${ANSWER}\n\n`);
  assert.equal((await reader.read()).done, true);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("for whoever takes no stream, silence goes on until the answer", async () => {
  const bench = new Bench(JSON_ONLY);
  bench.clock.advance(600_000);
  assert.equal(await bench.begun(), undefined);
  assert.equal(bench.clock.pending, 0);
  bench.reply.answer(ANSWER, undefined);
  assert.deepEqual(await bench.result(), [200, "application/json", ANSWER]);
});

Deno.test("an answer longer than any stream may keep still arrives whole", async () => {
  const bench = new Bench(BOTH);
  bench.reply.notify(PROGRESS);
  const long = `{"jsonrpc":"2.0","id":1,"result":"${"x".repeat(LIMITS.maxServerMessageBytes)}"}`;
  bench.reply.answer(long, undefined);
  const [, , text] = await bench.result();
  assert.ok(text.endsWith(`data: ${long}\n\n`));
});

Deno.test("a client that reads too slowly loses notifications, never the answer", async () => {
  const bench = new Bench(BOTH);
  for (let i = 0; i < 1000; i++) bench.reply.notify(PROGRESS);
  bench.reply.answer(ANSWER, undefined);
  const [, , text] = await bench.result();
  const events = text.trimEnd().split("\n\n");
  assert.ok(events.length <= LIMITS.maxStreamEvents);
  assert.equal(events.at(-1), `data: ${ANSWER}`);
});

Deno.test("a client that left its stream: whatever comes later is dropped without a fault", async () => {
  const bench = new Bench(BOTH);
  bench.reply.notify(PROGRESS);
  await (await bench.reply.response).body!.cancel();
  bench.reply.notify(PROGRESS);
  bench.reply.answer(ANSWER, undefined);
  bench.clock.advance(1_000);
  await settle();
  assert.equal(bench.clock.pending, 0);
});

Deno.test("one timer watches all silent calls, in the order they began, and stops with the last", async () => {
  const clock = new FakeClock();
  const silence = new SilenceWatch(clock);
  const begun: number[] = [];
  const replies = [0, 1, 2].map((n) => {
    const reply = new PostReply(
      { clock, silence, longAnswers: longAnswers(clock), limits: LIMITS },
      {
        id: "1",
        accepts: BOTH,
        headers: {},
      },
    );
    reply.response.then(() => begun.push(n));
    clock.advance(3_000);
    return reply;
  });
  assert.equal(clock.pending, 1);
  replies[1].answer(ANSWER, undefined);
  clock.advance(2_000);
  await settle();
  assert.deepEqual(begun, [1, 0]);
  clock.advance(10_000);
  await settle();
  assert.deepEqual(begun, [1, 0, 2]);
  assert.equal(clock.pending, 0);
});

Deno.test("a reply to a request that was refused begins nothing, however long it is silent", async () => {
  const opened: string[] = [];
  const openStream = () => void opened.push("a stream that nobody reads");
  const bench = new Bench(BOTH, { openStream });
  bench.reply.drop();
  bench.clock.advance(60_000);
  assert.deepEqual([await bench.begun(), opened, bench.clock.pending], [undefined, [], 0]);
});

Deno.test("a watch that is disposed begins nothing more", async () => {
  const bench = new Bench(BOTH);
  bench.silence[Symbol.dispose]();
  bench.clock.advance(60_000);
  assert.equal(await bench.begun(), undefined);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("a long answer comes in pieces, whole and as what it is", async () => {
  const result = "x".repeat(LONG);
  for (const accepts of [JSON_ONLY, STREAM_ONLY]) {
    const bench = new Bench(accepts);
    bench.reply.answer(`{"jsonrpc":"2.0","id":1,"result":"${result}"}`, undefined);
    const response = (await bench.begun())!;
    const type = accepts.json ? "application/json" : "text/event-stream";
    assert.equal(response.headers.get("content-type"), type);
    assert.ok((await response.text()).includes(`"result":"${result}"}`));
  }
});
