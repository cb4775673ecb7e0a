import assert from "node:assert/strict";

import { AichakuClient } from "./mod.ts";
import { resolveOptions } from "./options.ts";

Deno.test("options: the defaults", () => {
  const options = resolveOptions({ home: "/h", token: "t" });
  assert.equal(options.mode, "auto");
  assert.equal(options.timeoutMs, 30_000);
  assert.equal(options.connectTimeoutMs, 60_000);
  assert.equal(options.server, undefined);
  assert.equal((options.peer.introduction.clientInfo as { name: string }).name, "aichaku-sdk");
});

Deno.test("options: a slash at the end of the URL does not matter", () => {
  assert.equal(resolveOptions({ url: "http://127.0.0.1:7182/" }).url, "http://127.0.0.1:7182");
});

Deno.test("options: what has no meaning is refused, with the value and the remedy", () => {
  assert.throws(() => new AichakuClient({ server: "a/b" }), /TypeError: .*"a\/b".*1-64/);
  assert.throws(() => new AichakuClient({ server: "a__b" }), TypeError);
  assert.throws(() => new AichakuClient({ server: ".." }), TypeError);
  assert.throws(() => new AichakuClient({ server: "servers" }), TypeError);
  assert.throws(() => new AichakuClient({ url: "127.0.0.1:7182" }), /http:\/\/127\.0\.0\.1:7182/);
  assert.throws(() => new AichakuClient({ mode: "both" as "auto" }), /"both".*"auto"/);
  assert.throws(() => new AichakuClient({ timeoutMs: 0 }), /RangeError: .*timeoutMs 0/);
  assert.throws(() => new AichakuClient({ connectTimeoutMs: Infinity }), RangeError);
  assert.throws(() => new AichakuClient({ timeoutMs: NaN }), RangeError);
});

Deno.test("options: a process without a name cannot stand in for all servers of the daemon", () => {
  const spawn = { command: "x" };
  assert.throws(() => new AichakuClient({ spawn }), /name the server, or choose a mode/);
  new AichakuClient({ spawn, mode: "spawn" });
  new AichakuClient({ spawn, server: "x" });
});
