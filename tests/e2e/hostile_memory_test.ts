/**
 * Servers that write without end or do not read at all: the daemon's memory stays bounded, and everybody
 * else is served meanwhile. Linux tells the largest memory a process ever had.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { errorOf, McpSession, type Outcome, textOf } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually, PLENTY_MS, within } from "./support/within.ts";

const MB = 1024 * 1024;

/** A test that compares the daemon's largest memory before and after; elsewhere it only runs. */
function memoryTest(
  name: string,
  { mayGrow, body }: {
    /** Bytes. */
    mayGrow: number;
    body(hostile: McpSession, healthy: McpSession, daemon: DaemonFixture): Promise<void>;
  },
): void {
  daemonTest(name, {
    config: {
      mcpServers: {
        hostile: misbehaving({ name: "hostile" }),
        healthy: misbehaving({ name: "healthy" }),
      },
    },
  }, async (daemon) => {
    const begin = (server: string) => McpSession.begin({ url: daemon.url, server });
    const [hostile, healthy] = [await begin("hostile"), await begin("healthy")];
    for (const session of [hostile, healthy]) await session.tell("echo", { text: "warm" });
    const before = largest(daemon.pid);
    await body(hostile, healthy, daemon);
    const grown = largest(daemon.pid) - before;
    assert.ok(grown <= mayGrow, `the daemon grew by ${Math.round(grown / MB)} MB`);
    assert.equal(await healthy.tell("echo", { text: "served" }), "served");
  });
}

/** The largest resident memory that a process ever had, bytes; 0 where nobody tells. */
function largest(pid: number): number {
  if (Deno.build.os !== "linux") return 0;
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
}

for (const id of ["first", "last"]) {
  memoryTest(`a line of 400 MB with its id ${id}: refused, never kept whole`, {
    mayGrow: 250 * MB,
    async body(hostile, healthy) {
      const endless = hostile.call(1, "endless", { bytes: 400 * MB, id });
      for (let call = 0; call < 20; call++) await healthy.tell("echo", { text: "meanwhile" });
      const outcome = await within(endless, "the refusal", 3 * PLENTY_MS);
      assert.deepEqual(errorOf(outcome), { code: -32018, reason: "upstream_invalid" });
      assert.equal(await hostile.tell("echo", { text: "goes on" }), "goes on");
    },
  });
}

memoryTest("60 MB on stderr: read and mostly thrown away", {
  mayGrow: 100 * MB,
  async body(hostile, healthy) {
    const flood = hostile.call(1, "flood-stderr", { bytes: 60 * MB, text: "done" });
    for (let call = 0; call < 20; call++) await healthy.tell("echo", { text: "meanwhile" });
    assert.equal(textOf(await within(flood, "the answer", 3 * PLENTY_MS)), "done");
  },
});

memoryTest("a server that does not read: what waits for it is bounded, callers beyond are told", {
  // 360 MB come in, of which 100 MB may wait; the runtime takes three times as much for it, and gives it
  // back when it needs it.
  mayGrow: 900 * MB,
  async body(hostile, healthy) {
    const pid = Number(await hostile.tell("pid"));
    Deno.kill(pid, "SIGSTOP");
    try {
      const text = "x".repeat(3 * MB);
      const outcomes: string[] = [];
      const call = async (id: number) => {
        const { answer }: Outcome = await hostile.call(id, "echo", { text });
        outcomes.push(answer.error === undefined ? "answered" : errorOf({ answer }).reason);
      };
      const calls: Promise<void>[] = [];
      for (let id = 0; id < 120; id++) {
        calls.push(call(id));
        await healthy.tell("echo", { text: "meanwhile" });
      }
      // What one client may have waiting is 96 MiB, and what is on its way to the server 8 MiB.
      await eventually(() => outcomes.length >= 120 - 36, "the refusals");
      assert.deepEqual(new Set(outcomes), new Set(["overloaded"]));
      Deno.kill(pid, "SIGCONT");
      await within(Promise.all(calls), "the answers to the others", 3 * PLENTY_MS);
      const answered = outcomes.filter((outcome) => outcome === "answered").length;
      assert.equal(outcomes.length, 120);
      assert.ok(answered >= 30 && answered <= 36, `${answered} were answered`);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    assert.equal(await hostile.tell("echo", { text: "goes on" }), "goes on");
  },
});

memoryTest("half a line and then the end: an error to its caller, and no part of it to anybody", {
  mayGrow: 100 * MB,
  async body(hostile) {
    const outcome = await hostile.call(1, "half-and-exit", { text: "half" });
    assert.deepEqual(errorOf(outcome), { code: -32010, reason: "upstream_exited" });
    assert.deepEqual(outcome.notifications, []);
    const next = await hostile.call(1, "echo", { text: "whole" });
    assert.equal(textOf(next), "whole");
  },
});
