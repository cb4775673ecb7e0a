import assert from "node:assert/strict";

import { onAbort } from "./on_abort.ts";

/** A signal that counts its listeners. */
function countedSignal(): { controller: AbortController; count(): number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--;
    removeEventListener.apply(signal, args);
  };
  return { controller, count: () => count };
}

Deno.test("on abort: many waits, one listener, and none when all are over", () => {
  const { controller, count } = countedSignal();
  const stops = Array.from({ length: 50 }, () => onAbort(controller.signal, () => assert.fail()));
  assert.equal(count(), 1);
  for (const stop of stops) stop();
  assert.equal(count(), 0);
  controller.abort();
});

Deno.test("on abort: everyone who still waits is told once, in order", () => {
  const { controller, count } = countedSignal();
  const told: number[] = [];
  onAbort(controller.signal, () => told.push(1));
  const stop = onAbort(controller.signal, () => told.push(2));
  // One that stops another while all are being told.
  const stopLast: (() => void)[] = [];
  onAbort(controller.signal, () => stopLast[0]());
  stopLast.push(onAbort(controller.signal, () => told.push(3)));
  onAbort(controller.signal, () => told.push(4));
  stop();
  stop();
  assert.equal(count(), 1);
  controller.abort();
  controller.abort();
  assert.deepEqual(told, [1, 4]);
});

Deno.test("on abort: a signal that fired is told at once; without a signal nothing is", () => {
  let told = 0;
  onAbort(AbortSignal.abort(), () => told++)();
  onAbort(undefined, () => told++)();
  assert.equal(told, 1);
});

Deno.test("on abort: who comes after the last one left is told as well", () => {
  const controller = new AbortController();
  onAbort(controller.signal, () => assert.fail())();
  let told = 0;
  onAbort(controller.signal, () => told++);
  controller.abort();
  assert.equal(told, 1);
});
