/**
 * The main job on real input: one real server, many real clients.
 */

import assert from "node:assert/strict";
import { daemonTest } from "../fixtures/daemon.ts";
import { connectPeer, type Peer } from "../fixtures/peers.ts";
import { childrenRunning } from "./support/processes.ts";
import { everything } from "./support/servers.ts";
import { within } from "./support/within.ts";

const config = { mcpServers: { everything: everything() } };
const CLIENTS = 50;
const CALLS = 100;

/** The ids of every client, the same ones for all: of both types, with what needs escaping. */
const ID_FORMS: ((n: number) => string | number)[] = [
  (n) => n,
  (n) => `${n}`,
  (n) => `"${n}" said \\ "she"`,
  (n) => `🦉 ${n} \u2028 é`,
];
const sharedId = (n: number) => ID_FORMS[n % ID_FORMS.length](n);

daemonTest("50 clients with the same ids share one server and get their own 5,000 answers", {
  config,
}, async ({ url, pid }) => {
  const endpoint = `${url}/mcp/everything`;
  const peers = await within(
    Promise.all(
      Array.from(
        { length: CLIENTS },
        (_, index) =>
          connectPeer({ line: index % 2 === 0 ? "v1" : "v2", url: endpoint, id: sharedId }),
      ),
    ),
    "50 clients being connected",
    60_000,
  );
  await using _ = disposeAll(peers);
  const answers = await within(
    Promise.all(
      peers.map((peer, client) =>
        Promise.all(
          Array.from({ length: CALLS }, (_, call) =>
            peer.callTool("echo", { message: payload(client, call) })),
        )
      ),
    ),
    "5,000 answers",
    60_000,
  );
  const wrong = answers.flatMap((own, client) =>
    own.flatMap((answer, call) => answer === `Echo: ${payload(client, call)}` ? [] : [answer])
  );
  assert.deepEqual(wrong, []);
  assert.equal(answers.flat().length, CLIENTS * CALLS);
  assert.deepEqual(peers.flatMap((peer) => peer.errors), []);
  assert.equal((await childrenRunning("server-everything", pid)).length, 1);
});

daemonTest(
  "a client of the newest revision and one of an old one share a server",
  { config },
  async ({ url, pid }) => {
    const endpoint = `${url}/mcp/everything`;
    await using modern = await connectPeer({ line: "v2", url: endpoint, negotiation: "auto" });
    await using legacy = await connectPeer({ line: "v1", url: endpoint });
    const answers = await within(
      Promise.all(
        [modern, legacy].map((peer, client) =>
          Promise.all(
            Array.from(
              { length: CALLS },
              (_, call) => peer.callTool("echo", { message: payload(client, call) }),
            ),
          )
        ),
      ),
      "200 answers",
    );
    assert.deepEqual(
      answers,
      [0, 1].map((client) =>
        Array.from({ length: CALLS }, (_, call) => `Echo: ${payload(client, call)}`)
      ),
    );
    assert.equal(modern.protocolVersion, "2026-07-28");
    assert.deepEqual(modern.errors, []);
    assert.equal((await childrenRunning("server-everything", pid)).length, 1);
  },
);

/** Unlike every other; with an id inside that must not be taken for one. */
function payload(client: number, call: number): string {
  return `client ${client} call ${call} ,"id":${call}} "\\ 🦉`;
}

function disposeAll(peers: Peer[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    },
  };
}
