/**
 * Random histories of clients that call, cancel, leave and come, at a server that asks whenever it
 * wants: no question ever reaches another client than the one whose call it is for.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Client, Endpoints } from "../../tests/fixtures/endpoints.ts";
import type { NotedReply } from "../../tests/fixtures/exchange.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { FakeWire, Json } from "../../tests/fixtures/fake_wire.ts";

/** A call that the server was given and has not answered. */
interface Given {
  wire: FakeWire;
  id: number;
  /** Name of the client that made it. */
  client: string;
  /** Whether its client cancelled it, or left. */
  abandoned: boolean;
  /** Whether it was given to the server before it was known to ask for several. */
  beforeVerdict: boolean;
}

/** Everything in one history. */
class History {
  readonly all = new Endpoints();
  readonly endpoint = this.all.endpoint();
  readonly clients: Player[] = [];
  given: Given[] = [];
  /** Questions that were refused because nobody knew whose they were, before anything was learned. */
  refusalsBefore = 0;
  delivered = 0;
  /** Questions without an answer, by id, and where they were asked. */
  readonly open = new Map<string, FakeWire>();
  #questions = 0;
  #names = 0;

  constructor() {
    this.all.settings.maxInstances = 1_000;
  }

  join(): void {
    const name = `client ${this.#names++}`;
    const client = this.all.client(name, this.endpoint, {
      capabilities: { elicitation: {}, sampling: {} },
    });
    this.clients.push(new Player(name, client));
  }

  /** Lets everything that was said arrive. */
  async flow(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await settle();
      for (const { wires } of this.all.opened) {
        for (const wire of wires.opened) for (const said of wire.take()) this.#hear(wire, said);
      }
    }
    for (const player of this.clients) player.look();
  }

  #hear(wire: FakeWire, { id, method, params }: Json): void {
    if (method === "initialize") {
      return wire.answer(id, { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: {} });
    }
    if (method === "tools/call") {
      const beforeVerdict = this.endpoint.verdict === undefined;
      const { client } = params;
      this.given.push({ wire, id, client, abandoned: false, beforeVerdict });
    } else if (method === "notifications/cancelled") {
      const call = this.given.find((one) => one.wire === wire && one.id === params.requestId);
      if (call !== undefined) call.abandoned = true;
    } else if (method === undefined) {
      assert.ok(this.open.delete(id), `${id} was answered once`);
    }
  }

  /** The server asks for one of the calls it works on. */
  async ask(call: Given, method: string): Promise<void> {
    const id = `question ${this.#questions++}`;
    const knew = this.endpoint.verdict !== undefined;
    const asked = this.#questionsSeen();
    this.open.set(id, call.wire);
    const on = this.given.filter(({ wire }) => wire === call.wire);
    call.wire.line({ jsonrpc: "2.0", id, method, params: { for: call.client } });
    await this.flow();
    const isDelivered = this.#questionsSeen() > asked;
    if (isDelivered) this.delivered++;
    const isClear = on.every(({ client, abandoned }) => client === call.client && !abandoned);
    if (isClear) assert.ok(isDelivered, "a call that overlaps with nobody's is asked about");
    if (!isDelivered && !knew && this.endpoint.verdict !== undefined) this.refusalsBefore++;
    if (!isDelivered && knew) {
      // What is refused later only concerns calls that were there already, or were given up.
      assert.ok(on.some(({ abandoned, beforeVerdict }) => abandoned || beforeVerdict));
    }
  }

  #questionsSeen(): number {
    return this.clients.reduce((sum, { questions }) => sum + questions, 0);
  }

  /** The server answers. */
  answer(call: Given): void {
    this.given = this.given.filter((one) => one !== call);
    call.wire.answer(call.id, { for: call.client });
  }
}

/** One client, which answers when it is told to. */
class Player {
  readonly name: string;
  readonly client: Client;
  readonly replies: NotedReply[] = [];
  questions = 0;
  left = false;
  /** Questions it has not answered. */
  waiting: Json[] = [];
  #seen = new Map<NotedReply, number>();

  constructor(name: string, client: Client) {
    this.name = name;
    this.client = client;
  }

  call(): void {
    this.replies.push(this.client.call("tools/call", { client: this.name }));
  }

  /** Reads what came: all of it must be its own. */
  look(): void {
    const fresh: Json[] = [];
    for (const reply of this.replies) {
      const from = this.#seen.get(reply) ?? 0;
      const texts = reply.texts.slice(from).map((text) => JSON.parse(text));
      this.#seen.set(reply, reply.texts.length);
      fresh.push(...texts);
    }
    if (!this.left) fresh.push(...this.client.read());
    for (const message of fresh) {
      const whose = message.params?.for ?? message.result?.for;
      if (whose !== undefined) assert.equal(whose, this.name, "somebody else's");
      if (message.method === "notifications/cancelled") {
        this.waiting = this.waiting.filter(({ id }) => id !== message.params.requestId);
      } else if (message.method !== undefined) {
        this.questions++;
        this.waiting.push(message);
      }
    }
  }
}

type Action = { what: string; which: number; method: string };

const action: fc.Arbitrary<Action> = fc.record({
  what: fc.constantFrom(
    ...["call", "call", "call", "ask", "ask", "ask", "answer", "answer", "reply", "reply"],
    ...["cancel", "leave", "join"],
  ),
  which: fc.nat(),
  method: fc.constantFrom("elicitation/create", "sampling/createMessage"),
});

async function play(history: History, { what, which, method }: Action) {
  const here = history.clients.filter(({ left }) => !left);
  const player = here[which % here.length];
  const call = history.given[which % history.given.length];
  switch (what) {
    case "call":
      player?.call();
      break;
    case "cancel":
      player?.client.cancel(1 + which % Math.max(1, player.replies.length));
      break;
    case "leave":
      if (player === undefined) break;
      player.left = true;
      player.client.leave();
      break;
    case "join":
      if (history.clients.length < 6) history.join();
      break;
    case "ask":
      if (call !== undefined) await history.ask(call, method);
      break;
    case "answer":
      if (call !== undefined) history.answer(call);
      break;
    case "reply": {
      const question = player?.waiting.shift();
      if (question !== undefined) player.client.respond(question, { result: { ok: true } });
      break;
    }
  }
  await history.flow();
}

Deno.test("in 1,000 random histories no question crosses, and one refusal at most comes before isolation", async () => {
  let delivered = 0;
  let demoted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40 }), async (actions) => {
      const history = new History();
      history.join();
      history.join();
      for (const one of actions) await play(history, one);
      assert.ok(history.refusalsBefore <= 1);

      // Whoever comes now is never refused anything, whatever the others do.
      if (history.endpoint.verdict !== undefined) {
        demoted++;
        history.join();
        const fresh = history.clients.at(-1)!;
        fresh.call();
        await history.flow();
        const own = history.given.find(({ client }) => client === fresh.name)!;
        await history.ask(own, "elicitation/create");
        assert.equal(fresh.questions, 1);
      }

      // In the end everything is answered, once.
      for (let round = 0; round < 100 && history.given.length > 0; round++) {
        for (const call of history.given) history.answer(call);
        await history.flow();
      }
      // A process of its own may ask its client without a call, and waits for its answer.
      for (const { client, waiting } of history.clients.filter(({ left }) => !left)) {
        for (const question of waiting) client.respond(question, { result: {} });
      }
      await history.flow();
      for (const { replies } of history.clients) {
        for (const { answers } of replies) assert.equal(answers.length, 1);
      }
      // A process that was ended with its only client is not told any more.
      const open = [...history.open].filter(([, { closed }]) => closed === undefined);
      assert.deepEqual(open.map(([id]) => id), []);
      assert.deepEqual(history.all.log.errors, []);
      delivered += history.delivered;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(delivered > 1_000, `only ${delivered} questions were delivered`);
  assert.ok(demoted > 100, `only ${demoted} servers were demoted`);
});
