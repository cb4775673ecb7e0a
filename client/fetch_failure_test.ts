import assert from "node:assert/strict";

import { wasRefused } from "./fetch_failure.ts";
import { freePort } from "./testdata/fixtures.ts";

function failureOf(url: string): Promise<unknown> {
  // A blob as in http_wire.ts: Deno 2.7.11 would try a string again, on a connection nobody accepts.
  return fetch(url, { method: "POST", body: new Blob(["x"]) }).then(
    () => assert.fail("the request must fail"),
    (error) => error,
  );
}

Deno.test("fetch failure: a closed port refuses, so the request was not executed", async () => {
  assert.equal(wasRefused(await failureOf(`http://127.0.0.1:${freePort()}/`)), true);
});

Deno.test("fetch failure: a connection that breaks may have carried the request", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept().then(async (connection) => {
    await connection.read(new Uint8Array(10));
    connection.close();
  });
  assert.equal(wasRefused(await failureOf(`http://127.0.0.1:${listener.addr.port}/`)), false);
  await accepted;
});

Deno.test("fetch failure: knows how Node and Bun tell of a refused connection", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), {
    code: "ECONNREFUSED",
  });
  assert.equal(wasRefused(new TypeError("fetch failed", { cause })), true);
  assert.equal(wasRefused(Object.assign(new Error("x"), { code: "ConnectionRefused" })), true);
  assert.equal(wasRefused(Object.assign(new Error("x"), { code: "UND_ERR_SOCKET" })), false);
  assert.equal(wasRefused("ECONNREFUSED"), false);
});
