import assert from "node:assert/strict";

import { delay, raceSignal, Scope } from "./scope.ts";
import { rejection } from "./testdata/fixtures.ts";

const forever = new Promise<never>(() => {});

Deno.test("scope: the deadline ends a wait that would never end", async () => {
  const scope = new Scope("wait for nothing");
  scope.setDeadline(1, "wait for something");
  const error = await rejection(raceSignal(forever, scope.signal), "timeout");
  assert.equal(
    error.message,
    "Cannot wait for nothing: no answer within 1 ms; wait for something",
  );
  scope.end();
});

Deno.test("scope: the caller's abort ends the wait, and its reason is the cause", async () => {
  const caller = new AbortController();
  const scope = new Scope("wait", caller.signal);
  const waiting = raceSignal(forever, scope.signal);
  const reason = new Error("the user left");
  caller.abort(reason);
  const error = await rejection(waiting, "aborted");
  assert.equal(error.cause, reason);
  assert.match(error.message, /the user left/);
  scope.end();
});

Deno.test("scope: a signal that fired before counts as well", async () => {
  const scope = new Scope("wait", AbortSignal.abort());
  scope.setDeadline(60_000, "nothing is left running"); // The sanitizer sees a timer that stays.
  await rejection(raceSignal(forever, scope.signal), "aborted");
});

Deno.test("scope: end() frees the timer and stops listening", () => {
  const caller = new AbortController();
  const scope = new Scope("wait", caller.signal);
  scope.setDeadline(60_000, "never mind");
  scope.end();
  caller.abort();
  assert.equal(scope.signal.aborted, false);
});

Deno.test("scope: a race leaves no rejection behind when the promise loses", async () => {
  const losing = Promise.withResolvers<void>();
  const controller = new AbortController();
  const race = raceSignal(losing.promise, controller.signal);
  controller.abort(new Error("won"));
  await assert.rejects(race, /won/);
  losing.reject(new Error("too late"));
});

Deno.test("scope: delay() is ended by its signal, before and during", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(delay(60_000, controller.signal), /enough/);
});
