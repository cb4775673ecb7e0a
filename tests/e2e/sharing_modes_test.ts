/**
 * The four ways to share a server: what all of them guarantee, and what each does differently.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { askedClient, together } from "./support/asked_client.ts";
import { serverReport } from "./support/control_plane.ts";
import { errorOf, McpSession, textOf } from "./support/mcp_session.ts";
import { isAlive } from "./support/processes.ts";
import { asking } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

const MODES = ["shared", "serial", "session", "auto"] as const;

const ABLE = { elicitation: {}, sampling: {} };
const begin = ({ url }: DaemonFixture, server = "s") =>
  McpSession.begin({ url, server, capabilities: ABLE });
const beginAtAll = ({ url }: DaemonFixture) => McpSession.begin({ url, capabilities: ABLE });

/** Resolves when the server has that many calls in flight. */
const inFlight = (daemon: DaemonFixture, count: number) =>
  eventually(
    async () => (await serverReport(daemon, "s")).callsInFlight === count,
    `${count} calls in flight`,
  );

for (const mode of MODES) {
  const config = { mcpServers: { s: { ...asking(), sharing: mode } } };

  daemonTest(`${mode}: equal ids and progress tokens, and each gets its own`, {
    config,
  }, async (daemon) => {
    const sessions = [await begin(daemon), await begin(daemon), await begin(daemon)];
    const outcomes = await Promise.all(
      sessions.flatMap((session, client) =>
        Array.from(
          { length: 20 },
          (_, id) =>
            session.call(id, "progress", { text: `client ${client} call ${id}` }, {
              progressToken: id,
            }),
        )
      ),
    );
    for (const [index, { answer, notifications }] of outcomes.entries()) {
      const id = index % 20;
      const text = `client ${Math.floor(index / 20)} call ${id}`;
      assert.deepEqual([answer.id, textOf({ answer })], [id, text]);
      assert.deepEqual(notifications.map(({ params }) => params), [
        { progressToken: id, progress: 1, message: text },
      ]);
    }
  });

  daemonTest(`${mode}: a cancelled call ends at once, the server is told, nobody else notices`, {
    config,
  }, async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    const held = a.call(1, "hold", { key: "k", text: "too late" });
    await inFlight(daemon, 1);
    const other = b.call(1, "echo", { text: "b's" });
    await a.cancel(1);
    assert.equal(errorOf(await held).reason, "cancelled");
    assert.equal(textOf(await other), "b's");
    const { cancelled } = JSON.parse(await a.tell("about"));
    assert.equal(cancelled.length, 1);
    // Its late answer meets nobody, nor a call with its id.
    await a.tell("open", { key: "k" });
    assert.equal(textOf(await a.call(1, "echo", { text: "again" })), "again");
    assert.equal(textOf(await b.call(1, "echo", { text: "b again" })), "b again");
  });

  daemonTest(`${mode}: what a call asks reaches its own client, one call after the other`, {
    config,
  }, async ({ url }) => {
    const clients = await Promise.all(
      (["v1", "v2"] as const).map((line) =>
        askedClient({ line, url: `${url}/mcp/s`, name: `the ${line} client` })
      ),
    );
    await using _ = together(clients);
    for (let round = 0; round < 6; round++) {
      const client = clients[round % 2];
      const method = round % 4 < 2 ? "elicitation/create" : "sampling/createMessage";
      const answer = await client.call("ask", { method, for: client.name });
      assert.match(answer, new RegExp(client.name), answer);
    }
    for (const { questions, name } of clients) assert.deepEqual(questions, [name, name, name]);
  });

  daemonTest(`${mode}: a client that leaves takes nothing with it that is not its own`, {
    config,
  }, async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    const pids = [await a.tell("pid"), await b.tell("pid")].map(Number);
    assert.equal(await a.end(), 204);
    assert.equal((await a.request(1, "ping")).status, 404);
    assert.equal(Number(await b.tell("pid")), pids[1]);
    if (mode === "session") {
      await eventually(async () => !await isAlive(pids[0]), "end of the process of the other");
    }
    assert.equal((await serverReport(daemon, "s")).clients, 1);
  });

  daemonTest(`${mode}: a crash fails the calls it had, and the next ones are served`, {
    config,
  }, async (daemon) => {
    const [a, b] = [await begin(daemon), await begin(daemon)];
    const pid = Number(await b.tell("pid"));
    await a.tell("pid");
    assert.equal(errorOf(await a.call(1, "exit")).reason, "upstream_exited");
    const next = Number(await b.tell("pid"));
    if (mode === "session") {
      assert.equal(next, pid, "b's own process has nothing to do with a's");
      // What a's process knew is gone, and a must know it.
      assert.equal((await a.call(2, "echo", { text: "x" })).status, 404);
      const again = await begin(daemon);
      assert.equal(textOf(await again.call(3, "echo", { text: "anew" })), "anew");
    } else {
      assert.notEqual(next, pid);
      assert.equal(textOf(await a.call(2, "echo", { text: "goes on" })), "goes on");
      assert.equal((await serverReport(daemon, "s")).restarts, 1);
    }
  });

  daemonTest(`${mode}: status says how it is shared, and who said so`, {
    config,
  }, async (daemon) => {
    const sessions = [await begin(daemon), await begin(daemon)];
    const pids = new Set(await Promise.all(sessions.map((session) => session.tell("pid"))));
    assert.equal(pids.size, mode === "session" ? 2 : 1);
    const report = await serverReport(daemon, "s");
    assert.deepEqual(report.sharing, { mode, from: "config" });
    assert.equal(report.instances.length, pids.size);
    assert.deepEqual(
      report.instances.map(({ pid, own, clients, clientsCan }) => [pid, own, clients, clientsCan]),
      [...pids].map((pid) => [
        Number(pid),
        mode === "session" ? true : undefined,
        mode === "session" ? 1 : 2,
        ["elicitation", "sampling"],
      ]),
    );
  });
}

daemonTest("serial: another client's call waits until the first one's is answered", {
  config: { mcpServers: { s: { ...asking(), sharing: "serial" } } },
}, async (daemon) => {
  const [a, b] = [await begin(daemon), await begin(daemon)];
  const held = a.call(1, "hold", { key: "k", text: "never" });
  await inFlight(daemon, 1);
  const waiting = b.call(1, "echo", { text: "b's turn" });
  await eventually(
    async () => (await serverReport(daemon, "s")).callsQueued === 1,
    "b's call to wait",
  );
  assert.equal((await serverReport(daemon, "s")).callsInFlight, 1);
  await a.cancel(1);
  assert.equal(errorOf(await held).reason, "cancelled");
  assert.equal(textOf(await waiting), "b's turn");
});

daemonTest(
  "session: a client at all servers has a process of its own at each, and hears of its end",
  {
    config: {
      mcpServers: {
        s: { ...asking(), sharing: "session" },
        t: { ...asking({ args: ["t"] }), sharing: "session" },
        u: { ...asking({ args: ["u"] }), sharing: "shared" },
      },
    },
  },
  async (daemon) => {
    const [a, b] = [await beginAtAll(daemon), await beginAtAll(daemon)];
    const pids = async (session: McpSession) => ({
      s: await session.tell("s__pid"),
      t: await session.tell("t__pid"),
      u: await session.tell("u__pid"),
    });
    const [ofA, ofB] = [await pids(a), await pids(b)];
    assert.notEqual(ofA.s, ofB.s);
    assert.notEqual(ofA.t, ofB.t);
    assert.equal(ofA.u, ofB.u);
    assert.equal(errorOf(await a.call(1, "s__exit")).reason, "upstream_exited");
    const told = await a.call(2, "s__pid");
    assert.deepEqual([told.status, errorOf(told).reason], [200, "upstream_exited"]);
    assert.equal(told.answer.error.data.retryable, true, "it was not executed");
    const after = await pids(a);
    assert.notEqual(after.s, ofA.s);
    assert.deepEqual([after.t, after.u], [ofA.t, ofA.u], "its session goes on with the others");
    assert.deepEqual(await pids(b), ofB);
  },
);

daemonTest("session: a daemon restarted tells a client whose own process is gone", {
  config: {
    mcpServers: {
      s: { ...asking(), sharing: "session" },
      u: { ...asking({ args: ["u"] }), sharing: "shared" },
    },
  },
}, async (daemon) => {
  const one = await begin(daemon);
  const shared = await begin(daemon, "u");
  const all = await beginAtAll(daemon);
  const pids = [await one.tell("pid"), await all.tell("s__pid")];
  await all.tell("u__pid");
  await shared.tell("pid");
  assert.equal((await daemon.cli("mcp", "--restart-server")).code, 0);
  assert.equal((await one.call(1, "pid")).status, 404);
  assert.equal(await shared.tell("echo", { text: "goes on" }), "goes on");
  assert.equal(await all.tell("u__echo", { text: "goes on" }), "goes on");
  const told = await all.call(1, "s__pid");
  assert.equal(errorOf(told).reason, "upstream_exited");
  assert.match(told.answer.error.message, /the daemon was restarted/);
  assert.ok(!pids.includes(await all.tell("s__pid")));
});

daemonTest(
  "session: /rpc has a process for each X-Session-ID, and requests without one do not pile up",
  {
    config: {
      server: { limits: { maxInstancesPerServer: 3 } },
      mcpServers: { s: { ...asking(), sharing: "session" } },
    },
  },
  async (daemon) => {
    const pid = (headers: Record<string, string> = {}, id = 1) =>
      daemon.rpc(
        "s",
        { jsonrpc: "2.0", id, method: "tools/call", params: { name: "pid" } },
        headers,
      );
    const first = await pid();
    const session = { "x-session-id": first.headers.get("x-session-id")! };
    const pidOf = ({ body }: { body: unknown }) => textOf({ answer: body });
    assert.equal(pidOf(await pid(session)), pidOf(first));
    const others = new Set<string>();
    for (let request = 0; request < 8; request++) others.add(pidOf(await pid()));
    assert.equal(others.size, 8);
    assert.ok((await serverReport(daemon, "s")).instances.length <= 3);
  },
);

daemonTest("a server that is known to keep state is not shared by surprise, and status says why", {
  config: { mcpServers: { browser: { ...asking({ args: ["@playwright/mcp"] }) } } },
}, async (daemon) => {
  const { sharing } = await serverReport(daemon, "browser");
  assert.deepEqual([sharing.mode, sharing.from], ["session", "known"]);
  assert.match(sharing.why ?? "", /browser/);
});

daemonTest(
  "an idempotent tool is called again after a crash, where its entry allows it; no other",
  {
    config: {
      mcpServers: {
        s: { ...asking(), retry: "idempotent" },
        never: asking({ args: ["never"] }),
      },
    },
  },
  async (daemon) => {
    const [s, never] = [await begin(daemon, "s"), await begin(daemon, "never")];
    const once = `${daemon.home}/once`;
    // The list of tools is read when the server is ready.
    await eventually(async () => {
      const outcome = await s.call(1, "exit-once", { file: once });
      if ("result" in outcome.answer) return textOf(outcome) === "done";
      await Deno.remove(once);
      return undefined;
    }, "a call that is made again");
    assert.equal(errorOf(await s.call(2, "exit")).reason, "upstream_exited", "not annotated");
    assert.equal(
      errorOf(await never.call(1, "exit-once", { file: `${once}-2` })).reason,
      "upstream_exited",
    );
  },
);

daemonTest("a server that nobody uses is ended, and the next call has a new process", {
  config: { mcpServers: { s: { ...asking(), idleTimeout: "200ms" } } },
}, async (daemon) => {
  const session = await begin(daemon);
  await using _stream = await session.openStream();
  const pid = Number(await session.tell("pid"));
  // An open stream alone does not keep it.
  await eventually(
    async () => (await serverReport(daemon, "s")).state === "idle" && !await isAlive(pid),
    "the end of the idle server",
  );
  assert.notEqual(Number(await session.tell("pid")), pid);
  // A subscription does: whoever has one waits for updates without a call.
  assert.ok((await session.request(1, "resources/subscribe", { uri: "test://a" })).answer.result);
  const kept = Number(await session.tell("pid"));
  await eventually(
    async () => ((await serverReport(daemon, "s")).uptime ?? 0) >= 1,
    "a second without calls",
  );
  assert.equal(Number(await session.tell("pid")), kept);
});
