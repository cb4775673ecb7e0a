import { equal } from "node:assert/strict";
import fc from "fast-check";
import { type Lease, Leases } from "./leases.ts";

Deno.test("the last lease that is given back closes the server to everyone", async () => {
  let empty = 0;
  const leases = new Leases(() => empty++);
  const [one, two] = [leases.hold(1)!, leases.hold(2)!];
  one.release();
  one.release();
  equal(leases.count, 1);
  equal(empty, 0);
  equal(leases.has(one), false);
  two.release();
  equal(empty, 1);
  equal(leases.hold(3), undefined);
  equal(await one.over, undefined);
});

Deno.test("when the server ends first, whoever holds a lease is told why", async () => {
  let empty = 0;
  const leases = new Leases(() => empty++);
  const lease = leases.hold(1)!;
  leases.close("SIGTERM");
  equal(await lease.over, "SIGTERM");
  lease.release();
  equal(leases.count, 0);
  equal(empty, 0);
  equal(leases.hold(2), undefined);
});

Deno.test("any order of taking, giving back and ending: the count is right, the end comes once", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant("hold" as const) },
    { weight: 5, arbitrary: fc.nat({ max: 20 }) },
    { weight: 1, arbitrary: fc.constant("close" as const) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    let empty = 0;
    const leases = new Leases(() => empty++);
    const granted: Lease[] = [];
    const held = new Set<Lease>();
    let open = true;
    let emptied = 0;
    for (const what of steps) {
      if (what === "hold") {
        const lease = leases.hold(1);
        equal(lease !== undefined, open);
        if (lease !== undefined) granted.push(lease), held.add(lease);
      } else if (what === "close") {
        leases.close("end");
        held.clear();
        open = false;
      } else if (what < granted.length) {
        granted[what].release();
        if (held.delete(granted[what]) && held.size === 0) open = false, emptied++;
      }
      equal(leases.count, held.size);
      equal(leases.closed, !open);
      equal(empty, emptied);
    }
    equal(emptied <= 1, true);
  }));
});
