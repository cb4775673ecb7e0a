import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { MessageFault } from "../../protocol/message.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { refusalResponse } from "./context.ts";

const log = new FakeLog();

Deno.test("a refusal is a JSON-RPC error under the id that could be read, with its status", async () => {
  const cases: [fault: Fault, id: string | undefined, status: number, shown: unknown][] = [
    [new Fault("invalid_request", "x", { status: 415 }), undefined, 415, null],
    [new Fault("session_not_found", "x"), '"a"', 404, "a"],
    [new MessageFault("invalid_request", "x", "7"), '"a"', 400, 7],
    [new MessageFault("parse_error", "x"), undefined, 400, null],
  ];
  for (const [fault, id, status, shown] of cases) {
    const response = refusalResponse(fault, { id, log, headers: { "x-session-id": "s" } });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("x-session-id"), "s");
    const body = await response.json();
    assert.deepEqual([body.id, body.error.code], [shown, fault.code]);
  }
});

Deno.test("what helps a client on stands in the headers", () => {
  const header = (fault: Fault, name: string) => refusalResponse(fault, { log }).headers.get(name);
  assert.equal(header(new Fault("overloaded", "x"), "retry-after"), "1");
  assert.equal(header(new Fault("draining", "x"), "retry-after"), "1");
  assert.equal(
    header(new Fault("not_permitted", "x", { status: 401 }), "www-authenticate"),
    "Bearer",
  );
  assert.equal(header(new Fault("not_permitted", "x"), "www-authenticate"), null);
});

Deno.test("a fault of our own is answered, and its cause is in the log", async () => {
  const log = new FakeLog();
  const cause = new TypeError("x is not a function");
  const response = refusalResponse(cause, { id: "1", log });
  assert.equal(response.status, 500);
  assert.equal((await response.json()).id, 1);
  assert.equal(log.lines.at(-1)?.fields.error, cause);
});
