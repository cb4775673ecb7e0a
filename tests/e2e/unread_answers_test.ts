/**
 * Clients over HTTP that ask for much and read nothing: what waits for them is bounded, and whoever reads
 * gets its answers meanwhile.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { McpSession, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const MIB = 1024 * 1024;
const LENGTH = 12 * MIB;
/** Four times this may wait, and twice that when nobody has been slow for long. */
const config = {
  server: { limits: { maxServerMessageBytes: 16 * MIB } },
  mcpServers: { big: misbehaving({ name: "big" }) },
};

daemonTest("20 answers of 12 MiB that nobody reads: those beyond the bound are cut off", {
  config,
  referee: { judges: "nothing", because: "answers are cut off on purpose, in the middle" },
}, async (daemon) => {
  const session = await McpSession.begin({ url: daemon.url, server: "big" });
  const { hostname, port, host } = new URL(daemon.url);
  const unread: Deno.Conn[] = [];
  try {
    for (let id = 0; id < 20; id++) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      unread.push(connection);
      const params = { name: "big", arguments: { bytes: LENGTH } };
      const body = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params });
      const head = [
        ...["POST /mcp/big HTTP/1.1", `host: ${host}`, "connection: close"],
        ...["content-type: application/json", "accept: application/json, text/event-stream"],
        `content-length: ${body.length}`,
        ...Object.entries(session.headers).map(([name, value]) => `${name}: ${value}`),
      ];
      await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
    }
    await eventually(
      async () =>
        (await Deno.readTextFile(daemon.paths.logFile)).includes("did not read its answer"),
      "the first that is cut off",
    );
    // Who reads is served, whoever else does not.
    assert.equal(textOf(await session.call("read", "big", { bytes: LENGTH })).length, LENGTH);
    const whole: boolean[] = [];
    for (const connection of unread) {
      whole.push(await within(readAll(connection), "what is left") >= LENGTH);
    }
    const cutOff = whole.filter((isWhole) => !isWhole).length;
    // Of 21 answers, 128 MiB and one may wait.
    assert.ok(cutOff >= 9 && cutOff <= 12, `${cutOff} were cut off`);
    assert.deepEqual(whole, whole.toSorted(), "the oldest");
  } finally {
    for (const connection of unread) connection.close();
  }
});

/** @returns how many bytes came until the other end closed. */
async function readAll(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(MIB);
  let length = 0;
  while (true) {
    // One that was cut off may be reset.
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return length;
    length += count;
  }
}
