import assert from "node:assert/strict";
import { compare, type Exception, staleInAll } from "./compare.ts";
import { gather, type Results, type Status } from "./results.ts";

/** `{"ping/answers": "SUCCESS"}` as the suite's results. */
function results(checks: Record<string, Status>): Results {
  const all: Results = new Map();
  for (const [name, status] of Object.entries(checks)) {
    const [scenario, check] = name.split("/");
    if (!all.has(scenario)) all.set(scenario, new Map());
    all.get(scenario)!.set(check, { status, message: `${check} is ${status}` });
  }
  return all;
}

function exception(name: string): Exception {
  const [scenario, check] = name.split("/");
  return { scenario, checks: [check], reason: "for the test" };
}

function names(rows: { scenario: string; check: string }[]): string[] {
  return rows.map(({ scenario, check }) => `${scenario}/${check}`);
}

Deno.test("a check that passes both ways is the same", () => {
  const both = results({ "ping/answers": "SUCCESS" });
  const { rows, worse, directFailures } = compare({ direct: both, through: both }, []);
  assert.deepEqual(rows.map(({ verdict }) => verdict), ["same"]);
  assert.deepEqual(worse, []);
  assert.deepEqual(directFailures, []);
});

for (const through of ["FAILURE", "WARNING", "SKIPPED", "INFO"] as const) {
  Deno.test(`a check that passes directly and is ${through} through the daemon is worse`, () => {
    const { worse } = compare({
      direct: results({ "ping/answers": "SUCCESS" }),
      through: results({ "ping/answers": through }),
    }, []);
    assert.deepEqual(names(worse), ["ping/answers"]);
    assert.equal(worse[0].message, `answers is ${through}`);
  });
}

Deno.test("a check, or a whole scenario, that is not reached through the daemon is worse", () => {
  const direct = results({ "ping/answers": "SUCCESS", "list/all": "SUCCESS" });
  const through = results({ "ping/other": "SUCCESS" });
  const { worse } = compare({ direct, through }, []);
  assert.deepEqual(names(worse), ["ping/answers", "list/all"]);
  assert.deepEqual(worse.map((row) => row.through), ["MISSING", "MISSING"]);
});

Deno.test("a check that exists only through the daemon counts when it fails", () => {
  const { worse, rows } = compare({
    direct: results({ "elicit/name": "SUCCESS" }),
    through: results({
      "elicit/name": "SUCCESS",
      "elicit/general": "FAILURE",
      "elicit/note": "INFO",
    }),
  }, []);
  assert.deepEqual(names(worse), ["elicit/general"]);
  assert.equal(rows.length, 3);
});

Deno.test("what fails directly is not owed by the daemon, and is named", () => {
  const both = results({ "ping/answers": "FAILURE" });
  const { worse, directFailures } = compare({ direct: both, through: both }, []);
  assert.deepEqual(worse, []);
  assert.deepEqual(names(directFailures), ["ping/answers"]);
});

Deno.test("an exception covers exactly the checks it names", () => {
  const { worse, rows, stale } = compare({
    direct: results({ "ask/user": "SUCCESS", "ask/schema": "SUCCESS" }),
    through: results({ "ask/user": "FAILURE", "ask/schema": "FAILURE" }),
  }, [exception("ask/user")]);
  assert.deepEqual(names(worse), ["ask/schema"]);
  assert.deepEqual(rows.map(({ verdict }) => verdict), ["excepted", "worse"]);
  assert.deepEqual(stale, []);
});

Deno.test("an exception that nothing needs is stale, but not where its scenario was not run", () => {
  const both = results({ "ask/user": "SUCCESS" });
  const { stale } = compare({ direct: both, through: both }, [
    exception("ask/user"),
    exception("ask/gone"),
    exception("poll/stream"),
  ]);
  assert.deepEqual(stale, ["ask/user", "ask/gone"]);
});

Deno.test("an exception that one of several revisions needs is not stale", () => {
  const exceptions = [exception("ask/user"), exception("ask/schema")];
  const direct = results({ "ask/user": "SUCCESS", "ask/schema": "SUCCESS" });
  const failing = results({ "ask/user": "FAILURE", "ask/schema": "SUCCESS" });
  const comparisons = [
    compare({ direct, through: direct }, exceptions),
    compare({ direct, through: failing }, exceptions),
  ];
  assert.deepEqual(staleInAll(comparisons), ["ask/schema"]);
});

Deno.test("a check that the suite makes several times counts as its worst time", () => {
  const checks = gather([
    { id: "stream", status: "SUCCESS" },
    { id: "stream", status: "FAILURE", errorMessage: "closed" },
    { id: "stream", status: "INFO" },
    { id: "event", status: "INFO" },
    { id: "event", status: "SUCCESS" },
  ]);
  assert.deepEqual(checks.get("stream"), { status: "FAILURE", message: "closed" });
  assert.equal(checks.get("event")?.status, "SUCCESS");
  assert.throws(() => gather([{ id: "new", status: "PERFECT" as Status }]), /PERFECT/);
});
