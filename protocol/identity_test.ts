import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import {
  addressOf,
  type Announcement,
  healthProof,
  newNonce,
  parseAnnouncement,
  type ProofInput,
  verifyHealthProof,
} from "./identity.ts";

const announcement: Announcement = {
  url: "http://127.0.0.1:7182",
  socket: null,
  pid: 2006,
  startTime: 812345,
  instanceId: "0b5c9a1e",
  version: "0.1.0",
  protocol: { min: 1, max: 1 },
  logPath: "/home/ada/.aichaku/mcp-http-server.log",
};

const input: ProofInput = {
  token: "s3cret-tökén",
  nonce: "n-1",
  instanceId: "i-1",
  address: "127.0.0.1:7182",
};

Deno.test("an announcement reads back as it was written", () => {
  deepEqual(parseAnnouncement(JSON.stringify(announcement)), announcement);
});

Deno.test("fields of a newer daemon do not hide it", () => {
  const text = JSON.stringify({ ...announcement, colour: "blue", url: "http://127.0.0.1:7182/" });
  deepEqual(parseAnnouncement(text), announcement);
});

Deno.test("what is no announcement is recognized: torn, empty, wrong types, dangerous pids", () => {
  const whole = JSON.stringify(announcement);
  for (const text of ["", "null", "[]", "7", whole.slice(0, -1), "\u0000".repeat(64)]) {
    equal(parseAnnouncement(text), undefined, text);
  }
  for (
    const change of [
      { url: "https://127.0.0.1:7182" },
      { url: "file:///etc/passwd" },
      { url: 7 },
      { pid: -1 },
      { pid: 0 },
      { pid: 1.5 },
      { pid: "2006" },
      { startTime: "x" },
      { startTime: undefined },
      { socket: undefined },
      { instanceId: "" },
      { version: undefined },
      { protocol: undefined },
      { protocol: { min: 1 } },
      { logPath: undefined },
    ]
  ) {
    equal(parseAnnouncement(JSON.stringify({ ...announcement, ...change })), undefined);
  }
});

Deno.test("the address always has a port", () => {
  equal(addressOf("http://127.0.0.1:7182/mcp?x=1"), "127.0.0.1:7182");
  equal(addressOf("http://127.0.0.1"), "127.0.0.1:80");
  equal(addressOf("http://[::1]:7182"), "[::1]:7182");
  equal(addressOf("https://127.0.0.1:7182"), undefined);
  equal(addressOf("nonsense"), undefined);
});

Deno.test("the proof is the documented HMAC, as another implementation computes it", async () => {
  const message = [Buffer.from("aichaku-health")];
  for (const field of [input.nonce, input.instanceId, input.address]) {
    const bytes = Buffer.from(field, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    message.push(length, bytes);
  }
  const expected = createHmac("sha256", Buffer.from(input.token, "utf8"))
    .update(Buffer.concat(message)).digest("hex");
  equal(await healthProof(input), expected);
  equal(await verifyHealthProof(expected, input), true);
});

Deno.test("a proof counts only for its own token, nonce, instance and address", async () => {
  const proof = await healthProof(input);
  for (const field of ["token", "nonce", "instanceId", "address"] as const) {
    equal(await verifyHealthProof(proof, { ...input, [field]: input[field] + "x" }), false, field);
  }
});

Deno.test("text that moves from one field to the next gives another proof", async () => {
  notEqual(
    await healthProof({ ...input, nonce: "ab", instanceId: "c" }),
    await healthProof({ ...input, nonce: "a", instanceId: "bc" }),
  );
});

Deno.test("anything else is not a proof", async () => {
  const proof = await healthProof(input);
  const last = proof.endsWith("0") ? "1" : "0";
  for (
    const wrong of [
      undefined,
      null,
      7,
      {},
      "",
      proof.slice(1),
      proof.slice(0, -1) + last,
      "x" + proof,
    ]
  ) {
    equal(await verifyHealthProof(wrong, input), false, String(wrong));
  }
});

Deno.test("nonces do not repeat", () => {
  match(newNonce(), /^[0-9a-f]{32}$/);
  notEqual(newNonce(), newNonce());
});
