import { deepEqual, equal } from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { watchSelf } from "./self_check.ts";

/** A daemon that looks after itself, the state of its files, and what it did. */
function checked() {
  const clock = new FakeClock();
  const files = { lock: true, announced: true, broken: undefined as Error | undefined };
  const did: string[] = [];
  const watch = watchSelf({
    clock,
    holdsLock() {
      if (files.broken !== undefined) throw files.broken;
      return files.lock;
    },
    isAnnounced: () => files.announced,
    announce() {
      did.push("announce");
      files.announced = true;
    },
    onLost: () => did.push("lost"),
    onError: (error) => did.push((error as Error).message),
  });
  return { clock, files, did, watch };
}

Deno.test("as long as everything is in its place nothing is written", () => {
  const { clock, did } = checked();
  clock.advance(3_600_000);
  deepEqual(did, []);
});

Deno.test("an announcement that is gone is written again before anybody calls the daemon hung", () => {
  const { clock, files, did } = checked();
  files.announced = false;
  clock.advance(2_500); // Clients are patient for 5 s.
  deepEqual(did, ["announce"]);
  clock.advance(60_000);
  deepEqual(did, ["announce"]);
});

Deno.test("a lock file that was deleted or replaced ends the daemon, once", () => {
  const { clock, files, did } = checked();
  files.lock = false;
  files.announced = false;
  clock.advance(60_000);
  deepEqual(did, ["lost"], "and it does not announce itself over its successor");
  equal(clock.pending, 0);
});

Deno.test("a folder that cannot be looked at for a moment ends nothing", () => {
  const { clock, files, did } = checked();
  files.broken = new Error("no rights");
  clock.advance(4_000);
  deepEqual(did, ["no rights", "no rights"]);
  files.broken = undefined;
  files.announced = false;
  clock.advance(2_000);
  deepEqual(did, ["no rights", "no rights", "announce"]);
});

Deno.test("after ten hours of sleep it looks once, and then as always", () => {
  const { clock, files, did } = checked();
  files.broken = new Error("looked");
  clock.sleep(36_000_000);
  deepEqual(did, ["looked"]);
  clock.advance(2_000);
  deepEqual(did, ["looked", "looked"]);
});

Deno.test("given up, it leaves no timer", () => {
  const { clock, watch } = checked();
  watch[Symbol.dispose]();
  equal(clock.pending, 0);
});
