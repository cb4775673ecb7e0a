import { deepEqual, equal } from "node:assert/strict";
import { type LifeEvent, type LifeState, Shutdown, transition } from "./shutdown.ts";

const serving: LifeState = { kind: "serving" };
const draining: LifeState = { kind: "draining", reason: "SIGTERM" };
const stopped: LifeState = { kind: "stopped", reason: "SIGTERM" };
const requested: LifeEvent = { type: "requested", reason: "SIGTERM" };
const again: LifeEvent = { type: "requested", reason: "POST /shutdown" };
const drained: LifeEvent = { type: "drained" };

Deno.test("every state meets every event, and life never goes back", () => {
  const table: [LifeState, LifeEvent, LifeState][] = [
    [serving, requested, draining],
    [serving, drained, serving],
    [draining, again, draining],
    [draining, drained, stopped],
    [stopped, again, stopped],
    [stopped, drained, stopped],
  ];
  for (const [from, event, to] of table) deepEqual(transition(from, event), to);
});

Deno.test("the first reason counts, and whoever asks later learns that it is under way", async () => {
  const shutdown = new Shutdown();
  equal(shutdown.request("SIGTERM"), true);
  equal(shutdown.request("SIGINT"), false);
  equal(await shutdown.requested, "SIGTERM");
  shutdown.drained();
  deepEqual(shutdown.state, stopped);
});
