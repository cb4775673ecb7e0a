import assert from "node:assert/strict";
import { asFault, Fault, type Reason, REASONS } from "./errors.ts";

Deno.test("the errors of the contract have its codes and statuses", () => {
  const contract: [Reason, number, number][] = [
    ["upstream_exited", -32010, 502],
    ["upstream_unavailable", -32011, 503],
    ["upstream_timeout", -32012, 504],
    ["overloaded", -32013, 503],
    ["draining", -32014, 503],
    ["unattributable", -32015, 200],
    ["isolation_required", -32016, 409],
    ["not_permitted", -32017, 403],
    ["parse_error", -32700, 400],
    ["invalid_request", -32600, 400],
    ["method_not_found", -32601, 404],
    ["invalid_params", -32602, 400],
    ["internal", -32603, 500],
  ];
  for (const [reason, code, http] of contract) {
    const fault = new Fault(reason, "x");
    assert.deepEqual([fault.code, fault.httpStatus], [code, http], reason);
  }
});

Deno.test("only what certainly did not happen may be tried again without thinking", () => {
  const retryable = Object.entries(REASONS).filter(([, { retryable }]) => retryable);
  assert.deepEqual(
    retryable.map(([reason]) => reason).toSorted(),
    ["draining", "overloaded", "upstream_unavailable"],
  );
});

Deno.test("no two reasons share a code, so a client can tell them apart by it", () => {
  const codes = Object.values(REASONS).map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
});

Deno.test("an error's data says why, where, and whether trying again can help", () => {
  const fault = new Fault("upstream_exited", 'Server "x" exited', {
    server: "x",
    detail: "Error: \u2028 é",
    extra: { supported: ["a"] },
  });
  assert.deepEqual(JSON.parse(fault.toResponseText('"id\\""')), {
    jsonrpc: "2.0",
    id: 'id"',
    error: {
      code: -32010,
      message: 'Server "x" exited',
      data: {
        reason: "upstream_exited",
        server: "x",
        retryable: false,
        detail: "Error: \u2028 é",
        supported: ["a"],
      },
    },
  });
  const { data } = new Fault("not_permitted", "x").toErrorObject();
  assert.deepEqual(data, { reason: "not_permitted", retryable: false });
  assert.equal(
    new Fault("upstream_unavailable", "x", { retryable: false }).toErrorObject().data.retryable,
    false,
  );
});

Deno.test("whatever is thrown becomes a fault; a fault stays itself", () => {
  const fault = new Fault("overloaded", "x");
  assert.equal(asFault(fault), fault);
  const cause = new TypeError("no such thing");
  assert.deepEqual([asFault(cause).reason, asFault(cause).cause], ["internal", cause]);
  assert.match(asFault("a string").message, /a string/);
});
