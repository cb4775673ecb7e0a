/**
 * Random histories of clients of both eras at a legacy server that answers, asks, wants URLs visited,
 * stalls, dies, and is stopped, restarted and configured anew: every call is answered once, and none that
 * the server has had is told to be retryable.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../protocol/json.ts";
import { Endpoints, stdioEntry } from "../../tests/fixtures/endpoints.ts";
import type { NotedReply } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";
import { EVERYTHING, ModernClient, type ModernReply } from "../../tests/fixtures/modern_client.ts";
import type { SharingMode } from "../config/types.ts";

const CAPABILITIES = [EVERYTHING, { elicitation: { form: {} } }, {}];
const ELICITATIONS = ["https://x", "https://y"].map((url) => ({
  ...{ url, message: "Sign in", elicitationId: url },
}));
/** What the server answers. */
const ANSWERS: Json[] = [
  { result: { content: [] } },
  { result: { _meta: { a: 1 }, content: [] } },
  { result: { isError: true, content: [] } },
  { error: { code: -32042, message: "", data: { elicitations: ELICITATIONS } } },
];
/** What it asks. */
const QUESTIONS: [method: string, params: Json][] = [
  ["elicitation/create", { message: "Name?", requestedSchema: {} }],
  ["elicitation/create", { message: "Sign in", mode: "url", url: "https://z" }],
  ["sampling/createMessage", { messages: [], maxTokens: 1 }],
  ["roots/list", {}],
];

interface Params extends JsonObject {
  name: string;
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("call"), who: fc.nat(5), can: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("answer"), at: fc.nat(), how: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("ask"), at: fc.nat(), how: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant("come back"), at: fc.nat(), who: fc.nat(2), can: fc.nat(2) },
      ...{ answers: fc.nat(2), accepts: fc.boolean() },
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(15, 60_000) }) },
  fc.record({ do: fc.constant("leave"), at: fc.nat() }),
  fc.record({ do: fc.constant("die"), at: fc.nat() }),
  fc.record({ do: fc.constantFrom("stop", "restart", "stall", "read on") }),
  fc.record({ do: fc.constant("configure"), args: fc.nat(1) }),
);

/** One of several; undefined when there is none. */
function oneOf<T>(all: readonly T[], at: number): T | undefined {
  return all[at % Math.max(1, all.length)];
}

/** Everything in one history. */
class History {
  readonly all = new Endpoints();
  readonly endpoint;
  readonly #entry;
  readonly #modern: ModernClient[];
  readonly #legacy;
  readonly #replies: ModernReply[] = [];
  readonly #legacyReplies: NotedReply[] = [];
  /** Calls that the server has not answered. */
  #given: { wire: FakeWire; id: number }[] = [];
  #questions = 0;
  #tools = 0;
  /** Params of calls: each has a tool of its own, which it keeps when its client comes back with answers. */
  readonly #paramsOf = new Map<NotedReply, Params>();
  readonly #paramsFor = new Map<string, Params>();
  /** Calls that go on with no other one. */
  readonly #begun: { params: Params; reply: NotedReply }[] = [];
  /** Tools that the server was asked for. */
  readonly #heard = new Set<string>();

  constructor(mode: SharingMode) {
    this.#entry = (args: number) =>
      stdioEntry("fake", { sharing: { mode, from: "config" }, args: [String(args)] });
    const { all } = this;
    const endpoint = this.endpoint = all.endpoint(this.#entry(0));
    this.#modern = [undefined, "a", "b"].map((name) => new ModernClient(all, endpoint, { name }));
    this.#legacy = CAPABILITIES.map((capabilities, i) =>
      all.client(`legacy ${i}`, endpoint, { capabilities })
    );
  }

  get #running(): FakeWire[] {
    return this.all.opened.flatMap(({ wires }) => wires.opened).filter(({ writable }) => writable);
  }

  async take(step: Json): Promise<void> {
    switch (step.do) {
      case "call":
        if (step.who >= 3) {
          const params = this.#newParams();
          const reply = this.#legacy[step.who - 3].call("tools/call", params);
          this.#legacyReplies.push(reply);
          this.#begun.push({ params, reply });
        } else this.#call(step, {});
        break;
      case "come back":
        this.#comeBack(step);
        break;
      case "answer":
        this.#answer(step);
        break;
      case "ask": {
        const [method, params] = QUESTIONS[step.how];
        const id = `q${this.#questions++}`;
        oneOf(this.#running, step.at)?.line({ jsonrpc: "2.0", id, method, params });
        break;
      }
      case "leave":
        oneOf(this.#replies.filter(({ answers }) => answers.length === 0), step.at)?.leave();
        break;
      case "die":
        oneOf(this.#running, step.at)?.end();
        break;
      case "wait":
        this.all.clock.advance(step.ms);
        break;
      case "stop":
        void this.endpoint.stop();
        break;
      case "restart":
        this.endpoint.restart().catch(() => {}); // It may be ended meanwhile.
        break;
      case "configure":
        this.endpoint.update(this.#entry(step.args));
        break;
      case "stall":
        for (const wire of this.#running) Object.assign(wire, { room: 0, full: true });
        break;
      case "read on":
        for (const wire of this.#running) wire.makeRoom();
    }
    await this.flow();
  }

  /** Lets everything that was said arrive. */
  async flow(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await settle();
      for (const wire of this.#running) for (const said of wire.take()) this.#hear(wire, said);
    }
  }

  #newParams(): Params {
    return { name: `tool ${++this.#tools}` };
  }

  #hear(wire: FakeWire, { id, method, params }: Json): void {
    if (method === "tools/call") {
      this.#given.push({ wire, id });
      this.#heard.add(params.name);
    } else if (method === "initialize") {
      const capabilities = { tools: {}, logging: {} };
      wire.answer(id, { protocolVersion: "2025-11-25", capabilities, serverInfo: {} });
    } else if (method !== undefined && id !== undefined) wire.answer(id);
  }

  #call({ who, can }: Json, more: Json): void {
    const options = { capabilities: CAPABILITIES[can] };
    const params = this.#paramsFor.get(more.requestState) ?? this.#newParams();
    const reply = this.#modern[who].call("tools/call", { ...params, ...more }, options);
    this.#paramsOf.set(reply, params);
    this.#replies.push(reply);
    if (more.requestState === undefined) this.#begun.push({ params, reply });
  }

  #comeBack(step: Json): void {
    const asked = this.#replies.filter(({ result }) => result?.resultType === "input_required");
    const reply = oneOf(asked, step.at);
    if (reply === undefined) return;
    const { inputRequests, requestState } = reply.result;
    this.#paramsFor.set(requestState, this.#paramsOf.get(reply)!);
    const answer = step.accepts ? { action: "accept", content: {} } : { action: "decline" };
    const keys = Object.keys(inputRequests).slice(0, step.answers);
    const inputResponses = Object.fromEntries(keys.map((key) => [key, answer]));
    this.#call(step, { requestState, inputResponses });
  }

  #answer({ at, how }: Json): void {
    this.#given = this.#given.filter(({ wire }) => wire.writable);
    const call = oneOf(this.#given, at);
    if (call === undefined) return;
    this.#given = this.#given.filter((one) => one !== call);
    call.wire.line({ jsonrpc: "2.0", id: call.id, ...ANSWERS[how] });
  }

  /** The server is silent from now on, and nobody comes back. */
  async end(): Promise<void> {
    await this.take({ do: "read on" });
    for (let minute = 0; minute < 40; minute++) await this.take({ do: "wait", ms: 60_000 });
  }

  check(): void {
    const counts = [...this.#replies, ...this.#legacyReplies].map(({ answers }) => answers.length);
    assert.ok(counts.every((count) => count === 1), `answers: ${counts}`);
    assert.deepEqual(this.all.log.errors, []);
    for (const { params, reply } of this.#begun) {
      const { error } = reply.answers[0];
      const wasHeard = this.#heard.has(params.name);
      assert.ok(!(wasHeard && error?.data?.retryable), `retryable: ${JSON.stringify(error)}`);
    }
  }
}

for (const mode of ["auto", "shared", "session", "serial"] as const) {
  Deno.test(`whatever happens, every call is answered once: ${mode}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const history = new History(mode);
        for (const step of steps) await history.take(step);
        await history.end();
        history.check();
      }),
      { numRuns: 300 },
    );
  });
}
