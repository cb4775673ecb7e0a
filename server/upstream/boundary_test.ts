import { deepEqual, equal } from "node:assert/strict";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { Boundary, BOUNDARY_MS } from "./boundary.ts";

function setUp() {
  const clock = new FakeClock();
  const noted: string[] = [];
  let lastId = 0;
  const server = { answersAtOnce: false };
  const boundary: Boundary = new Boundary({
    clock,
    mintId: () => ++lastId,
    ping: (id) => {
      noted.push(`ping ${id}`);
      if (server.answersAtOnce && boundary.has(id)) boundary.pass();
    },
    onPassed: () => noted.push("passed"),
  });
  return { boundary, clock, noted, server };
}

Deno.test("one client's calls follow each other without a boundary", () => {
  const { boundary, noted } = setUp();
  for (let i = 0; i < 3; i++) boundary.mark("ada", i % 2 === 0);
  deepEqual(noted, []);
  equal(boundary.isPending, false);
});

Deno.test("another client's call waits for the answer to a ping", () => {
  const { boundary, clock, noted } = setUp();
  boundary.mark("ada", true);
  boundary.mark("bea", true);
  deepEqual(noted, ["ping 1"]);
  equal(boundary.isPending, true);
  deepEqual([boundary.has(0), boundary.has(1), boundary.has(2)], [false, true, false]);
  boundary.pass();
  deepEqual(noted, ["ping 1", "passed"]);
  equal(boundary.isPending, false);
  equal(boundary.has(0), false);
  equal(clock.pending, 0);
});

Deno.test("a server in this process may answer before the ping was sent", () => {
  const { boundary, clock, noted, server } = setUp();
  server.answersAtOnce = true;
  boundary.mark("ada", true);
  boundary.mark("bea", true);
  deepEqual(noted, ["ping 1", "passed"]);
  equal(boundary.isPending, false);
  equal(clock.pending, 0);
});

Deno.test("clients whose calls meet have met, until there is a boundary between two calls", () => {
  const { boundary, noted } = setUp();
  boundary.mark("ada", true);
  boundary.mark("bea", false);
  equal(boundary.haveMet, true);
  deepEqual(noted, [], "a ping would stand between nothing");
  boundary.mark("bea", true);
  deepEqual(noted, ["ping 1"]);
  equal(boundary.haveMet, false);
});

Deno.test("a server that does not answer holds nobody up, and is believed nothing", () => {
  const { boundary, clock, noted } = setUp();
  boundary.mark("ada", true);
  boundary.mark("bea", true);
  clock.advance(BOUNDARY_MS);
  deepEqual(noted, ["ping 1", "passed"]);
  equal(boundary.isPending, false);
  equal(boundary.haveMet, true);
});

Deno.test("with the server gone nothing is waited for, and the next call is nobody's second", () => {
  const { boundary, clock, noted } = setUp();
  boundary.mark("ada", true);
  boundary.mark("bea", true);
  boundary.clear();
  equal(clock.pending, 0);
  boundary.mark("cleo", true);
  deepEqual(noted, ["ping 1"]);
});
