/**
 * Servers that break the rules: their own callers get an answer or a clear error, everybody else is
 * served as if nothing had happened.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { serverReport } from "./support/control_plane.ts";
import { errorOf, McpSession, type Outcome, textOf } from "./support/mcp_session.ts";
import { isAlive } from "./support/processes.ts";
import { closesStdout, misbehaving } from "./support/servers.ts";

const config = {
  mcpServers: {
    hostile: misbehaving({ name: "hostile" }),
    healthy: misbehaving({ name: "healthy" }),
  },
};

/** Clients of the hostile server and one of another; all with the same ids. */
interface Cast {
  caller: McpSession;
  /** Another client of the same server. */
  neighbour: McpSession;
}

/**
 * A test with a neighbour that has calls in flight at the hostile server, and a client of a healthy
 * one: afterwards they must have got their own answers, from the very same process.
 */
function hostileTest(
  name: string,
  body: (cast: Cast, daemon: DaemonFixture) => Promise<void>,
): void {
  daemonTest(name, {
    referee: { judges: "only ours", because: "the servers break the rules on purpose" },
    config,
  }, async (daemon) => {
    const begin = (server: string) => McpSession.begin({ url: daemon.url, server });
    const caller = await begin("hostile");
    const neighbour = await begin("hostile");
    const elsewhere = await begin("healthy");
    const pid = textOf(await neighbour.call("pid", "pid"));
    const ids = [1, "1", "held"];
    const held = [neighbour, elsewhere].flatMap((session) =>
      ids.map((id) => session.call(id, "hold", { key: "n", text: `held ${id}` }))
    );
    for (const session of [neighbour, elsewhere]) {
      await session.tell("waiting", { key: "n", count: ids.length });
    }

    await body({ caller, neighbour }, daemon);

    for (const session of [neighbour, elsewhere]) {
      assert.equal(await session.tell("release", { key: "n" }), String(ids.length));
    }
    for (const [index, outcome] of (await Promise.all(held)).entries()) {
      const id = ids[index % ids.length];
      assert.deepEqual([outcome.answer.id, textOf(outcome)], [id, `held ${id}`]);
      assert.deepEqual(outcome.notifications, []);
    }
    assert.equal(textOf(await caller.call("pid", "pid")), pid);
  });
}

for (const tool of ["garbage", "pieces", "unknown-ids", "twice", "ask", "flood-stderr"]) {
  const bytes = 2_000_000;
  hostileTest(
    `a server's ${tool} does not keep anybody from the right answer`,
    async ({ caller, neighbour }) => {
      const outcome = await caller.call(1, tool, { text: "right 🦉", bytes });
      assert.deepEqual([outcome.status, outcome.answer.id], [200, 1]);
      assert.equal(textOf(outcome), "right 🦉");
      assert.deepEqual(outcome.notifications, []);
      // What came too early or twice is not waiting for the calls after it.
      for (let id = 2; id < 60; id++) {
        const session = id % 2 === 0 ? caller : neighbour;
        const next = await session.call(`next ${id}`, "echo", { text: `own ${id}` });
        assert.deepEqual([next.answer.id, textOf(next)], [`next ${id}`, `own ${id}`]);
      }
    },
  );
}

const FORMS = [
  "spaced",
  "id-last",
  "id-middle",
  "id-first",
  "more-keys",
  "id-inside",
  "carriage-return",
  "exponent",
  "two-ids",
];
hostileTest("an answer in any valid form arrives under the client's own id", async ({ caller }) => {
  for (const form of FORMS) {
    for (const id of [1, 'odd "id" \\ 🦉', 0, "🦉"]) {
      const outcome = await caller.call(id, "form", { form, text: `,"id":1} ${form}` });
      assert.deepEqual([form, outcome.status, outcome.answer.id], [form, 200, id]);
      assert.equal(textOf(outcome), `,"id":1} ${form}`);
    }
  }
});

hostileTest(
  "bytes that are not UTF-8 become replacement characters in the caller's text only",
  async ({ caller }) => {
    const outcome = await caller.call(1, "not-utf8", { text: "text" });
    assert.deepEqual([outcome.answer.id, textOf(outcome)], [1, "text\uFFFD\uFFFD"]);
  },
);

hostileTest("an answer that is not JSON is told to its caller at once", async ({ caller }) => {
  const outcome = await caller.call(1, "broken", { id: "first" });
  assert.deepEqual([outcome.status, outcome.answer.id], [200, 1]);
  assert.deepEqual(errorOf(outcome), { code: -32018, reason: "upstream_invalid" });
});

for (const id of ["first", "last"]) {
  hostileTest(
    `an answer of 70 MB with its id ${id} is refused, and only to its caller`,
    async ({ caller }) => {
      const outcome = await caller.call(1, "endless", { bytes: 70 * 1024 * 1024, id });
      assert.deepEqual([outcome.status, outcome.answer.id], [200, 1]);
      assert.deepEqual(errorOf(outcome), { code: -32018, reason: "upstream_invalid" });
      assert.equal(outcome.answer.error.data.server, "hostile");
      assert.equal(textOf(await caller.call(2, "echo", { text: "goes on" })), "goes on");
    },
  );
}

hostileTest(
  "an answer of 10 MB arrives whole while others are served",
  async ({ caller, neighbour }) => {
    const bytes = 10 * 1024 * 1024;
    const [big, small] = await Promise.all([
      caller.call(1, "big", { bytes }),
      neighbour.call("small", "echo", { text: "small" }),
    ]);
    assert.equal(textOf(big).length, bytes);
    assert.equal(textOf(small), "small");
  },
);

hostileTest(
  "an answer after the cancellation meets nobody, nor the next call with its id",
  async ({ caller }) => {
    const held = caller.call(1, "hold", { key: "c", text: "too late" });
    await caller.tell("waiting", { key: "c", count: 1 });
    await caller.cancel(1);
    assert.equal(errorOf(await held).reason, "cancelled");
    const again = caller.call(1, "hold", { key: "d", text: "in time" });
    await caller.tell("waiting", { key: "d", count: 1 });
    await caller.tell("release", { key: "c" });
    await caller.tell("release", { key: "d" });
    const outcome = await again;
    assert.deepEqual([outcome.answer.id, textOf(outcome)], [1, "in time"]);
  },
);

hostileTest(
  "progress under a token that is nobody's reaches nobody",
  async ({ caller, neighbour }) => {
    const [first, second] = await Promise.all([
      neighbour.call("p", "progress-and-hold", { key: "p", text: "mine" }, { progressToken: "t" }),
      releaseAfter(caller.call(1, "foreign-progress", { text: "done" }, { progressToken: "t" })),
    ]);
    assert.equal(textOf(second), "done");
    assert.deepEqual(first.notifications.map(({ params }) => params.message), ["mine"]);
    assert.deepEqual(second.notifications, []);

    async function releaseAfter(call: Promise<Outcome>): Promise<Outcome> {
      const outcome = await call;
      await caller.tell("release", { key: "p" });
      return outcome;
    }
  },
);

daemonTest(
  "a server that closes its stdout and lives on is ended, and the next call has a new one",
  {
    config: { mcpServers: { closing: closesStdout() } },
  },
  async (daemon) => {
    const session = await McpSession.begin({ url: daemon.url, server: "closing" });
    const pid = Number(textOf(await session.call(1, "pid")));
    const outcome = await session.call(2, "close-stdout");
    assert.deepEqual(errorOf(outcome), { code: -32010, reason: "upstream_exited" });
    assert.equal(await isAlive(pid), false);
    assert.notEqual(Number(textOf(await session.call(3, "pid"))), pid);
    assert.equal((await serverReport(daemon, "closing")).restarts, 1);
  },
);

daemonTest("a server that talks before it is asked is started all the same", {
  referee: { judges: "only ours", because: "it says what is no message" },
  config: { mcpServers: { noisy: misbehaving({ mode: "--noisy-start" }) } },
}, async ({ url }) => {
  const session = await McpSession.begin({ url, server: "noisy" });
  assert.equal(textOf(await session.call(1, "echo", { text: "here" })), "here");
});
