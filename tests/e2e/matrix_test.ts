/**
 * Every client revision on every transport with servers of both eras: what must come out stands in
 * `matrix_table.txt`, and comes out. Everything that is said on the way, on both sides of the daemon, is
 * judged by the official schema of the revision in force, and the referee has heard every revision.
 */

import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { RESOURCE } from "../fixtures/servers/matrix_tools.ts";
import type { MatrixClient } from "./support/matrix_client.ts";
import { rawClient } from "./support/matrix_raw_client.ts";
import { sdkClient } from "./support/matrix_sdk_client.ts";
import { within } from "./support/within.ts";

/** A line of the table. */
interface Row {
  client: string;
  revision: string;
  transport: string;
  server: string;
  /** What must come out of each operation. */
  outcomes: Record<string, string>;
}

/** Cells at a time: each has a process or two of its own. */
const AT_ONCE = 4;

/** What a client does. Each throws when it does not work. */
const OPERATIONS: Record<string, (client: MatrixClient) => Promise<void>> = {
  async list(client) {
    const names = await client.list();
    assert.ok(names.includes("echo") && names.includes("grow"), names.join());
  },

  async progress(client) {
    assert.equal(await client.call("progress", {}, { onProgress() {} }), "done");
    // On its wire: where the answer follows at once, an SDK has forgotten whom it was to tell.
    assert.deepEqual(progressOf("progress", client), [1, 2, 3]);
  },

  async elicit(client) {
    const said = JSON.parse(await client.call("elicit", { text: `elicit ${client.name}` }));
    assert.deepEqual(said, { action: "accept", content: { answer: client.name } });
    assert.ok(client.seen.questions.includes(`elicit ${client.name}`));
  },

  async sample(client) {
    assert.equal(await client.call("sample", { text: `sample ${client.name}` }), client.name);
    assert.ok(client.seen.questions.includes(`sample ${client.name}`));
  },

  async subscribe(client) {
    await client.listen(RESOURCE);
    await client.call("touch", {});
    await client.seen.until(
      ({ method, params }) =>
        method === "notifications/resources/updated" && params.uri === RESOURCE,
      `${client.name}: that the resource changed`,
    );
  },

  async "list-changed"(client) {
    await client.call("grow", {});
    await client.seen.until(
      ({ method }) => method === "notifications/tools/list_changed",
      `${client.name}: that the list changed`,
    );
  },

  // Last, because a server of the v1 SDK never answers what was cancelled.
  async cancel(client) {
    const cancelling = new AbortController();
    const holds = Promise.withResolvers<void>();
    const held = client.call("hold", { key: client.name }, {
      onProgress: () => holds.resolve(),
      signal: cancelling.signal,
    });
    held.catch((error) => holds.reject(error));
    await within(holds.promise, `${client.name}: the call to be held`);
    cancelling.abort(new Error("enough"));
    await assert.rejects(held);
    assert.equal(await client.call("cancelled", { key: client.name }), "it was");
  },
};

Deno.test({
  name: "every client, every transport, every server: each cell comes out as the table says",
  // The SDKs leave timers of their closing behind.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const rows = readTable(await Deno.readTextFile(new URL("matrix_table.txt", import.meta.url)));
    await using daemon = await DaemonFixture.start({ config: configuration() });
    const wrong: string[] = [];
    await inParallel(rows, async (row) => {
      for (const problem of await playRow(row, daemon)) wrong.push(problem);
    });
    if (wrong.length > 0) console.error(`${daemon.log(100)}\n${wrong.join("\n")}`);
    assert.equal(wrong.length, 0, wrong.join("\n"));
    if (!daemon.isRecorded) return;
    const { judged } = await daemon.verdict();
    const revisions = new Set(rows.map(({ revision }) => revision));
    assert.deepEqual([...revisions.difference(new Set(Object.keys(judged)))], []);
  },
});

/** The progress that came for the last call of a tool, before its answer. */
function progressOf(tool: string, { seen: { fromClient, fromServer } }: MatrixClient): number[] {
  const { id, params } = fromClient.findLast(({ params }) => params?.name === tool);
  const { progressToken } = params._meta;
  const answered = fromServer.findIndex((message) => message.id === id);
  return fromServer.slice(0, answered)
    .filter((message) => message.params?.progressToken === progressToken)
    .map((message) => message.params.progress);
}

function configuration() {
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const server = (era: string, sharing: string) => {
    const file = fromFileUrl(new URL(`../fixtures/servers/matrix_${era}.ts`, import.meta.url));
    const run = ["run", "-A", "--no-check", "--no-lock", "--config", config, file];
    return { command: Deno.execPath(), args: run, sharing };
  };
  return {
    server: { tcpPort: 0 },
    mcpServers: {
      // Its questions carry no name of the call they are for: a process a client.
      legacy: server("legacy", "session"),
      modern: server("modern", "shared"),
    },
  };
}

/** Plays a row. @returns what did not come out as it must. */
async function playRow(row: Row, daemon: DaemonFixture): Promise<string[]> {
  const { client: kind, revision, transport, server, outcomes } = row;
  const name = `${kind} ${revision} ${transport} ${server}`;
  const wrong: string[] = [];
  const options = { daemon, server, transport, name };
  let client: MatrixClient | undefined;
  try {
    client = kind === "raw"
      ? await rawClient({ ...options, revision })
      : await sdkClient({ ...options, kind });
    for (const [operation, play] of Object.entries(OPERATIONS)) {
      const asked = client.seen.questions.length;
      const problem = await play(client).then(() => undefined, (error: Error) => error.message);
      const came = problem === undefined
        ? (isForeign(row) ? "tolerated" : "works")
        : client.seen.questions.length === asked
        ? "absent"
        : `failed after it was asked`;
      if (came === outcomes[operation]) continue;
      wrong.push(`${name}: ${operation}: ${came}, not ${outcomes[operation]} (${problem})`);
    }
  } catch (error) {
    wrong.push(`${name}: ${(error as Error).message}`);
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
  return wrong;
}

/** Whether the revision does not know the transport. */
function isForeign({ revision, transport }: Row): boolean {
  return revision === "2024-11-05" && transport === "Streamable HTTP" ||
    revision === "2026-07-28" && transport === "HTTP+SSE";
}

function readTable(text: string): Row[] {
  const [head, ...lines] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return lines.map(([client, revision, transport, server, ...cells]) => ({
    ...{ client, revision, transport, server },
    outcomes: Object.fromEntries(cells.map((cell, index) => [head[4 + index], cell])),
  }));
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
