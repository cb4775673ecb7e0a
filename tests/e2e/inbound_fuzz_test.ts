/**
 * Messages that are almost right, on every way in: whatever comes, the daemon answers with an error of its
 * own or a result, stays alive, and has nothing to say of faults of its own. The seed is in the test's
 * output when it fails; `AICHAKU_FUZZ_RUNS` makes it longer.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { stillServes } from "./support/bystander.ts";
import { InboundClient, type Transport, TRANSPORTS } from "./support/inbound_clients.ts";
import type { Json } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";

const RUNS = Number(Deno.env.get("AICHAKU_FUZZ_RUNS") ?? 60);

const config = {
  server: { tcpPort: 0, limits: { maxBodyBytes: 100_000 } },
  mcpServers: { misbehaving: misbehaving() },
};

const SEEDS = [
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}',
  '{"jsonrpc":"2.0","id":"a","method":"tools/list","params":{"cursor":"1"}}',
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}',
  '{"jsonrpc":"2.0","id":"aichaku-00000000-0000-0000-0000-000000000000","result":{"roots":[]}}',
  '{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}}',
  '{"jsonrpc":"2.0","id":3,"method":"logging/setLevel","params":{"level":"debug"}}',
  '[{"jsonrpc":"2.0","id":4,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"ping"}]',
  '{"jsonrpc":"2.0","id":5,"method":"resources/subscribe","params":{"uri":"file:///x"}}',
  '{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}',
  '{"aichaku":{"server":"misbehaving","project":"/tmp"}}',
];

/** Pieces that parsers stumble over. */
const PIECES = [
  ...['"', "\\", "{", "}", "[", "]", ",", ":", "null", "true", "-0", "1e400", "\u0000", "\u2028"],
  ...['"id":null,', '"id":{},', '"method":7,', '"jsonrpc":"1.0",', "\\ud800", "[".repeat(5000)],
  ...['{"__proto__":{}}', '"params":[],', "\ufeff", "\r", "\t", "🦉", "x".repeat(3000)],
];

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(12),
  insert: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 }), fc.constant("")),
});

const almostRight = fc.tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { maxLength: 3 }))
  .map(([seed, mutations]) =>
    mutations.reduce((text, { at, remove, insert }) => {
      const place = Math.floor(at * text.length);
      return text.slice(0, place) + insert + text.slice(place + remove);
    }, seed)
  )
  // A line end would make two messages of it where messages are lines.
  .map((text) => text.replaceAll("\n", " "));

for (const transport of TRANSPORTS) {
  // Each is a process, and what it says of itself is tested elsewhere.
  if (transport.name === "stdio bridge") continue;
  Deno.test(`${transport.name}: messages that are almost right break nothing`, async () => {
    await using daemon = await DaemonFixture.start({
      referee: { judges: "only ours", because: "the messages are wrong on purpose" },
      config,
    });
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] & 0x7fffffff;
    const texts = fc.sample(almostRight, { seed, numRuns: RUNS });
    try {
      await sendAll(transport, { daemon, texts });
      assert.deepEqual(faultsIn(daemon.log(5000)), []);
    } catch (error) {
      console.error(`seed ${seed}\n--- log of the daemon\n${daemon.log(60)}\n---`);
      throw error;
    }
  });
}

async function sendAll(
  transport: Transport,
  { daemon, texts }: { daemon: DaemonFixture; texts: string[] },
): Promise<void> {
  const { pid } = daemon;
  let client = await InboundClient.begin(transport, daemon);
  for (const [index, text] of texts.entries()) {
    await client.send(text);
    // In order behind it: answered, unless that text has ended the connection.
    const probe = `probe ${index}`;
    await client.send({ jsonrpc: "2.0", id: probe, method: "ping" });
    const last = await client.inbox.take(({ id }) => id === probe, `an answer after ${text}`)
      .catch((error) => {
        if (!client.inbox.ended) throw error;
      });
    for (const message of client.inbox.all) isProper(message, text);
    if (last !== undefined && client.inbox.all.length < 20) continue;
    await client.cut();
    client = await InboundClient.begin(transport, daemon);
  }
  await client.cut();
  await stillServes(daemon.url);
  assert.equal(daemon.pid, pid);
}

/** An answer is a result, or an error with a code that means something; the rest are the server's. */
function isProper(message: Json, text: string): void {
  if (Array.isArray(message)) return message.forEach((one) => isProper(one, text));
  const shown = `${JSON.stringify(message).slice(0, 300)} after ${text.slice(0, 300)}`;
  assert.equal(message.broken, undefined, shown);
  if ("method" in message || "result" in message) return;
  assert.ok(Number.isInteger(message.error?.code), shown);
  assert.notEqual(message.error.code, -32603, shown);
}

/** What the daemon says of itself when something went wrong inside. */
function faultsIn(log: string): string[] {
  return log.split("\n").filter((line) =>
    /fault while|unhandled|uncaught|request failed/.test(line)
  );
}
