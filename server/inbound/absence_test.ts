import assert from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import type { Call } from "../exchange/call.ts";
import { AbsenceWatch } from "./absence.ts";

/** A call whose client may leave. */
function waiting() {
  const leaving = new AbortController();
  const reasons: string[] = [];
  const call = { cancel: (reason: string) => void reasons.push(reason) } as unknown as Call;
  const request = new Request("http://127.0.0.1/", { signal: leaving.signal });
  return { item: { request, call }, leaving, reasons };
}

for (const deno of ["2.7.11", "2.8.2", "2.8.3", "2.9.6", "3.0.0"]) {
  const late = !["2.7.11", "2.8.2"].includes(deno);

  Deno.test(`on Deno ${deno} a client that leaves is noticed ${late ? "late" : "at once"}`, () => {
    const clock = new FakeClock();
    using watch = new AbsenceWatch(clock, deno);
    const { item, leaving, reasons } = waiting();
    watch.add(item);
    leaving.abort();
    assert.deepEqual(reasons, late ? [] : ["the client left"]);
    clock.advance(2_000);
    assert.deepEqual(reasons, ["the client left"]);
  });
}

Deno.test("a client that leaves an old call is noticed at once", () => {
  const clock = new FakeClock();
  using watch = new AbsenceWatch(clock, "2.9.6");
  const { item, leaving, reasons } = waiting();
  watch.add(item);
  clock.advance(2_000);
  assert.deepEqual(reasons, []);
  leaving.abort();
  assert.deepEqual(reasons, ["the client left"]);
});

Deno.test("the signal of a call that is answered soon is never asked for", () => {
  const clock = new FakeClock();
  using watch = new AbsenceWatch(clock, "2.9.6");
  const request = {
    get signal(): AbortSignal {
      throw new Error("asked for");
    },
  } as Request;
  const item = { request, call: waiting().item.call };
  watch.add(item)[Symbol.dispose]();
  clock.advance(2_000);
});
