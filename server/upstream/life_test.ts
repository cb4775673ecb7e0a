import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DEFAULT_RESTART_POLICY as POLICY,
  type Life,
  type LifeEvent,
  mayStart,
  newLife,
  nextLife,
} from "./life.ts";

const RECORD = { failedStarts: 0, crashes: 0, starts: 3 };
const STATES: Record<Life["state"], Life> = {
  idle: { state: "idle", record: RECORD },
  starting: { state: "starting", since: 1000, record: RECORD },
  ready: { state: "ready", since: 1000, record: RECORD },
  backoff: { state: "backoff", until: 2000, reason: "x", record: RECORD },
  failed: { state: "failed", until: 2000, reason: "x", record: RECORD },
  draining: { state: "draining" },
  stopped: { state: "stopped" },
};
const EVENTS: Record<string, LifeEvent> = {
  "start too early": { type: "start", now: 1999 },
  "start": { type: "start", now: 2000 },
  "started": { type: "started", now: 2000 },
  "ended": { type: "ended", now: 2000, reason: "boom", jitter: 0 },
  "drain": { type: "drain" },
  "stopped": { type: "stopped" },
};

/** The state after each event, in the order of {@linkcode EVENTS}; `=` is no change at all. */
const TABLE: Record<Life["state"], string[]> = {
  idle: ["starting", "starting", "=", "=", "draining", "stopped"],
  starting: ["=", "=", "ready", "idle", "draining", "stopped"],
  ready: ["=", "=", "=", "idle", "draining", "stopped"],
  backoff: ["=", "starting", "=", "=", "draining", "stopped"],
  failed: ["=", "starting", "=", "=", "draining", "stopped"],
  draining: ["=", "=", "=", "=", "draining", "stopped"],
  stopped: ["=", "=", "=", "=", "=", "stopped"],
};

for (const [state, row] of Object.entries(TABLE)) {
  Object.entries(EVENTS).forEach(([name, event], i) => {
    Deno.test(`life: ${state} and ${name} gives ${row[i] === "=" ? "no change" : row[i]}`, () => {
      const before = STATES[state as Life["state"]];
      const after = nextLife(before, event);
      if (row[i] === "=") assert.equal(after, before);
      else assert.equal(after.state, row[i]);
    });
  });
}

/** Lives through starts that get ready and end after `stableMs`, or that fail when it is undefined. */
function live(ends: (number | undefined)[], jitter = 0): { life: Life; now: number } {
  let life = newLife();
  let now = 0;
  for (const readyFor of ends) {
    if ("until" in life) now = life.until;
    life = nextLife(life, { type: "start", now });
    assert.equal(life.state, "starting");
    if (readyFor !== undefined) {
      life = nextLife(life, { type: "started", now });
      now += readyFor;
    }
    life = nextLife(life, { type: "ended", now, reason: "boom", jitter });
  }
  return { life, now };
}

function waitAfter(ends: (number | undefined)[], jitter?: number): number {
  const { life, now } = live(ends, jitter);
  return "until" in life ? life.until - now : 0;
}

Deno.test("the first end costs nothing; each further one doubles the wait, up to a bound", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((count) => waitAfter(Array(count).fill(0), 1));
  assert.deepEqual(waits, [0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

Deno.test("the wait is spread by chance over its upper half", () => {
  assert.deepEqual([0, 0.5, 1].map((jitter) => waitAfter([0, 0, 0], jitter)), [250, 375, 500]);
});

Deno.test("starts that fail in a row open the breaker, and so do crashes in a row", () => {
  const { life } = live([undefined, undefined, undefined]);
  assert.equal(life.state, "failed");
  assert.equal(waitAfter([undefined, undefined, undefined]), POLICY.breakerMs);
  assert.equal(live(Array(9).fill(0)).life.state, "backoff");
  assert.equal(live(Array(10).fill(0)).life.state, "failed");
});

Deno.test("after the breaker one more failure opens it again", () => {
  assert.equal(live([undefined, undefined, undefined, undefined]).life.state, "failed");
});

Deno.test("a stable time forgets the crashes before it; a start that gets ready the failed ones", () => {
  const stable = POLICY.stableMs;
  assert.equal(live([...Array(9).fill(0), stable]).life.state, "idle");
  assert.equal(live([...Array(9).fill(0), stable - 1]).life.state, "failed");
  assert.equal(live([undefined, undefined, stable]).life.state, "idle");
  assert.equal(live([undefined, undefined, stable, undefined, undefined]).life.state, "backoff");
});

Deno.test("starts that got ready are counted for good", () => {
  const { life } = live([0, undefined, 20_000, 0]);
  assert.equal("record" in life && life.record.starts, 3);
});

Deno.test("no history leaves an instance that can neither be started, nor is running, nor is stopped", () => {
  const event = fc.constantFrom<LifeEvent["type"]>("start", "started", "ended", "drain", "stopped");
  const step = fc.record({
    type: event,
    after: fc.integer({ min: 0, max: 20_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    let life = newLife();
    let now = 0;
    let gone = false;
    for (const { type, after, jitter } of steps) {
      now += after;
      const before = life;
      life = nextLife(life, { type, now, reason: "x", jitter } as LifeEvent);
      gone ||= type === "drain" || type === "stopped";
      if (gone) assert.ok(["draining", "stopped"].includes(life.state), "what is stopped stays so");
      if (before.state !== "starting" && life.state === "starting") {
        assert.ok(mayStart(before, now));
      }
    }
    if (gone || life.state === "starting" || life.state === "ready") return;
    assert.ok(mayStart(life, now + Math.max(POLICY.maxDelayMs, POLICY.breakerMs)));
  }));
});
