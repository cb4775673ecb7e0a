/**
 * Servers that are busy reading: calls wait for them until they have room, and none is refused, lost or
 * made twice.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { errorOf, McpSession, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { PLENTY_MS, within } from "./support/within.ts";

const MIB = 1024 * 1024;
const config = { mcpServers: { busy: misbehaving({ name: "busy" }) } };

function begin(daemon: DaemonFixture): Promise<McpSession> {
  return McpSession.begin({ url: daemon.url, server: "busy" });
}

/** Two calls of 1 MiB by each of 32 clients, at once: what each was answered. */
async function flood(sessions: readonly McpSession[]): Promise<string[]> {
  const calls = sessions.flatMap((session, client) =>
    [1, 2].map(async (id) => {
      const text = `${client} ${id} ${"x".repeat(MIB)}`;
      const answer = textOf(await session.call(id, "echo", { text }));
      assert.ok(answer === text, `${client} ${id} was answered ${answer.slice(0, 200)}`);
      return `${client} ${id}`;
    })
  );
  return await within(Promise.all(calls), "all answers", 3 * PLENTY_MS);
}

async function echoes(session: McpSession): Promise<number> {
  return JSON.parse(await session.tell("count")).calls.echo ?? 0;
}

daemonTest(
  "64 calls of 1 MiB at once by 32 clients: each gets its answer",
  { config },
  async (daemon) => {
    const sessions = await Promise.all(Array.from({ length: 32 }, () => begin(daemon)));
    assert.equal((await flood(sessions)).length, 64);
    assert.equal(await echoes(sessions[0]), 64);
  },
);

daemonTest(
  "a server that stops reading and goes on: every call is answered, none was made twice",
  { config },
  async (daemon) => {
    const sessions = await Promise.all(Array.from({ length: 32 }, () => begin(daemon)));
    const watcher = await begin(daemon);
    const pid = Number(await watcher.tell("pid"));
    Deno.kill(pid, "SIGSTOP");
    const flooding = flood(sessions);
    flooding.catch(() => {}); // Told below.
    try {
      // Whoever cancels meanwhile takes its call back.
      const control = new AbortController();
      const left = watcher.call("left", "echo", { text: "left" }, { signal: control.signal });
      left.catch(() => {}); // It is not waited for.
      const cancelled = { method: "notifications/cancelled", params: { requestId: "left" } };
      await watcher.post({ jsonrpc: "2.0", ...cancelled });
      control.abort();
      // The daemon has taken what was sent before this is answered.
      await begin(daemon);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    assert.equal((await flooding).length, 64);
    const count = await echoes(watcher);
    assert.ok(count === 64 || count === 65, `${count} calls were made`);
    assert.equal(Number(await watcher.tell("pid")), pid);
  },
);

daemonTest(
  "a server that never reads: its calls end by their deadline, and it can be used again",
  {
    config: { mcpServers: { busy: { ...misbehaving({ name: "busy" }), callTimeout: "2s" } } },
  },
  async (daemon) => {
    const session = await begin(daemon);
    const pid = Number(await session.tell("pid"));
    Deno.kill(pid, "SIGSTOP");
    try {
      const text = "x".repeat(MIB);
      const calls = Array.from({ length: 16 }, (_, id) => session.call(id, "echo", { text }));
      for (const outcome of await within(Promise.all(calls), "the refusals")) {
        assert.equal(errorOf(outcome).reason, "upstream_timeout");
      }
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    assert.equal(await session.tell("echo", { text: "goes on" }), "goes on");
    assert.equal(Number(await session.tell("pid")), pid);
  },
);
