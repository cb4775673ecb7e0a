import assert from "node:assert/strict";

import { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";
import type { ListenOptions, ModernWire } from "./modern_wire.ts";
import { Subscription } from "./subscription.ts";
import { rejection } from "./testdata/fixtures.ts";

interface Stream extends ListenOptions {
  filter: unknown;
  /** Settles it, as the server or a broken wire does. */
  end(failure?: unknown): void;
}

/** A subscription on a wire whose streams the test plays. */
class World {
  readonly streams: Stream[] = [];
  readonly heard: JsonObject[] = [];
  readonly uris = new Set<string>();
  readonly deaf = Promise.withResolvers<unknown>();
  readonly subscription: Subscription;
  #opened: (() => void)[] = [];

  constructor({ hears = true, maxFailures = 2 } = {}) {
    const listen = ({ notifications }: JsonObject, options: ListenOptions) =>
      new Promise<void>((resolve, reject) => {
        const end = (failure?: unknown) => failure === undefined ? resolve() : reject(failure);
        options.signal.addEventListener("abort", () => resolve());
        this.streams.push({ ...options, filter: notifications, end });
        for (const wake of this.#opened.splice(0)) wake();
      });
    this.subscription = new Subscription({
      wire: { server: "tester", ended: undefined, listen } as unknown as ModernWire,
      params: (notifications) => ({ notifications }),
      capabilities: { tools: { listChanged: true }, prompts: {}, resources: { listChanged: true } },
      hears,
      uris: this.uris,
      onNotification: (notification) => this.heard.push({ ...notification }),
      onDeaf: this.deaf.resolve,
      pause: (_ms, signal) => Promise.resolve(!signal.aborted),
      maxFailures,
    });
  }

  /** The stream of this number, once it is open. */
  async stream(number: number): Promise<Stream> {
    while (this.streams.length < number) {
      await new Promise<void>((resolve) => this.#opened.push(resolve));
    }
    return this.streams[number - 1];
  }

  say(stream: Stream, method: string, params: JsonObject = {}): void {
    const _meta = { "io.modelcontextprotocol/subscriptionId": 1, own: 2 };
    stream.onNotification({ method, params: { ...params, _meta } });
  }

  acknowledge(stream: Stream): void {
    this.say(stream, "notifications/subscriptions/acknowledged", { notifications: stream.filter });
  }
}

Deno.test("subscription: what the server can change is listened for, and nothing else", async () => {
  const world = new World();
  const opening = world.subscription.open();
  const stream = await world.stream(1);
  const filter = { toolsListChanged: true, resourcesListChanged: true };
  assert.deepEqual(stream.filter, filter);
  world.acknowledge(stream);
  assert.deepEqual(await opening, filter);
  world.say(stream, "notifications/tools/list_changed");
  // Without what belongs to the subscription alone.
  assert.deepEqual(world.heard, [
    { method: "notifications/tools/list_changed", params: { _meta: { own: 2 } } },
  ]);
  world.subscription.close();
  assert.ok(stream.signal.aborted);
  const nobody = new World({ hears: false });
  assert.deepEqual(await nobody.subscription.open(), {});
  assert.equal(nobody.streams.length, 0);
});

Deno.test("subscription: the stream before is ended when the next one is acknowledged, not sooner", async () => {
  const world = new World();
  void world.subscription.open();
  const first = await world.stream(1);
  world.acknowledge(first);
  world.uris.add("test://one");
  void world.subscription.open();
  const second = await world.stream(2);
  assert.equal(first.signal.aborted, false);
  world.acknowledge(second);
  assert.equal(first.signal.aborted, true);
  assert.equal(second.signal.aborted, false);
  world.subscription.close();
});

Deno.test("subscription: one that the server ends, or that breaks off, is opened again", async () => {
  const world = new World();
  void world.subscription.open();
  const first = await world.stream(1);
  world.acknowledge(first);
  first.end();
  const second = await world.stream(2);
  world.acknowledge(second);
  second.end(new Error("reset"));
  world.acknowledge(await world.stream(3));
  world.subscription.close();
});

Deno.test("subscription: too many failures in a row are the end of it", async () => {
  const world = new World();
  void world.subscription.open().catch(() => {});
  (await world.stream(1)).end(new Error("one"));
  const failure = new Error("two");
  (await world.stream(2)).end(failure);
  assert.equal(await world.deaf.promise, failure);
  assert.equal(world.streams.length, 2);
});

Deno.test("subscription: what is refused is not asked again, and what was there before stays", async () => {
  const world = new World();
  void world.subscription.open();
  const first = await world.stream(1);
  world.acknowledge(first);
  world.uris.add("test://no");
  const opening = world.subscription.open();
  (await world.stream(2)).end(new AichakuError("rpc", "no", { code: -32602 }));
  assert.equal((await rejection(opening, "rpc")).message, "no");
  assert.equal(first.signal.aborted, false);
  world.say(first, "notifications/tools/list_changed");
  assert.equal(world.heard.length, 1);
  world.subscription.close();
});

Deno.test("subscription: whoever waits for a server that does not acknowledge can leave", async () => {
  const world = new World();
  const controller = new AbortController();
  const reason = new Error("enough");
  const opening = world.subscription.open(controller.signal);
  await world.stream(1);
  controller.abort(reason);
  await assert.rejects(opening, reason);
  world.subscription.close();
});
