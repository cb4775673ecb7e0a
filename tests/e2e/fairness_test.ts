/**
 * One client floods a server; another one's single calls have their turn all the same. Counted by the
 * server, not timed.
 */

import assert from "node:assert/strict";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { serverReport } from "./support/control_plane.ts";
import { EventReader } from "./support/event_reader.ts";
import { asking } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const QUEUED = 1_000;
const ROUNDS = 15;

/** A client of `/rpc` with its stream open: each call is one short request, however long it waits. */
class Caller implements AsyncDisposable {
  readonly #daemon: DaemonFixture;
  readonly #headers: Record<string, string>;
  readonly stream: EventReader;
  #id = 0;

  private constructor(daemon: DaemonFixture, headers: Record<string, string>, stream: EventReader) {
    this.#daemon = daemon;
    this.#headers = headers;
    this.stream = stream;
  }

  static async connect(daemon: DaemonFixture): Promise<Caller> {
    const first = await daemon.rpc("s", { jsonrpc: "2.0", id: "first", method: "ping" });
    const headers = { "x-session-id": first.headers.get("x-session-id")! };
    const response = await within(fetch(`${daemon.url}/sse`, { headers }), "the stream");
    const stream = new EventReader(response);
    assert.equal((await stream.next())?.event, "connected");
    return new Caller(daemon, headers, stream);
  }

  async call(name: string, args: unknown): Promise<void> {
    const params = { name, arguments: args };
    const message = { jsonrpc: "2.0", id: ++this.#id, method: "tools/call", params };
    const { status } = await this.#daemon.rpc("s", message, this.#headers);
    assert.equal(status, 202);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stream[Symbol.asyncDispose]();
  }
}

for (const sharing of ["auto", "serial"]) {
  Deno.test(`${sharing}: with ${QUEUED} calls of another client waiting, a single call is passed by two at most`, async () => {
    const journal = await Deno.makeTempFile({ prefix: "aichaku-fairness-" });
    try {
      await using daemon = await DaemonFixture.start({
        config: {
          server: { limits: { maxCallsPerServer: 4, maxQueuedPerSession: QUEUED } },
          mcpServers: { s: { ...asking({ args: ["--step-by-signal"], journal }), sharing } },
        },
      });
      await flooded(daemon, { journal, atOnce: sharing === "serial" ? 1 : 4 });
    } finally {
      await Deno.remove(journal);
    }
  });
}

async function flooded(
  daemon: DaemonFixture,
  { journal, atOnce }: { journal: string; atOnce: number },
): Promise<void> {
  await using flood = await Caller.connect(daemon);
  await using single = await Caller.connect(daemon);
  for (let sent = 0; sent < QUEUED; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => flood.call("step", { key: "flood" })));
  }
  /** Keys of the calls that the server was given, in order. */
  const given = async () => {
    const lines = (await Deno.readTextFile(journal)).split("\n");
    return lines.flatMap((line) => line.split(" step ")[1] ?? []);
  };
  await eventually(async () => (await given()).length === atOnce, "the first calls");
  const { pid, callsQueued } = await serverReport(daemon, "s");
  assert.equal(callsQueued, QUEUED - atOnce);

  for (let round = 0; round < ROUNDS; round++) {
    const key = `single ${round}`;
    const before = (await given()).length;
    const queued = (await serverReport(daemon, "s")).callsQueued;
    await single.call("step", { key });
    await eventually(
      async () => (await serverReport(daemon, "s")).callsQueued === queued + 1,
      "the single call to wait",
    );
    let now = before;
    while (!(await given()).includes(key)) {
      // The server answers one call, and so is given one.
      Deno.kill(pid!, "SIGUSR2");
      now++;
      await eventually(async () => (await given()).length === now, "the next call");
      const passed = (await given()).slice(before).filter((one) => one === "flood");
      assert.ok(passed.length <= 2, `${key} was passed by ${passed.length}`);
    }
  }
  assert.equal((await given()).filter((key) => key !== "flood").length, ROUNDS);
}
