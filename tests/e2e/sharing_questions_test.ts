/**
 * What a shared server asks: delivered to the one client it can only be for, refused otherwise, and
 * never given to anybody else. Real clients of the official SDK, a real server that asks.
 */

import assert from "node:assert/strict";
import { type DaemonFixture, daemonTest } from "../fixtures/daemon.ts";
import { type AskedClient, askedClient, together } from "./support/asked_client.ts";
import { serverReport } from "./support/control_plane.ts";
import { asking } from "./support/servers.ts";
import { eventually, within } from "./support/within.ts";

const config = { mcpServers: { s: asking() } };

/** Clients of both lines of the SDK, by turns. */
function connect({ url }: DaemonFixture, names: readonly string[], server = "s") {
  return Promise.all(
    names.map((name, index) =>
      askedClient({ line: index % 2 === 0 ? "v1" : "v2", url: `${url}/mcp/${server}`, name })
    ),
  );
}

/** Fails when a client was asked for another one's call, or given another one's answer. */
function assertNothingCrossed(clients: readonly AskedClient[]): void {
  for (const { name, questions } of clients) {
    assert.deepEqual(questions.filter((question) => question !== name), [], `asked of ${name}`);
  }
}

/** Who answered the question of a call of `ask`: a name, or the reason why nobody could. */
function answererOf(text: string): string {
  const { result, error } = JSON.parse(text);
  return error?.data?.reason ?? result.content.answer ?? result.content.text;
}

const METHODS = ["elicitation/create", "sampling/createMessage"];

daemonTest("calls that do not overlap: every question is delivered, by one process", {
  config,
}, async (daemon) => {
  const clients = await connect(daemon, ["ada", "ben"]);
  await using _ = together(clients);
  for (let round = 0; round < 40; round++) {
    // Never the same pattern for long: who calls after whom is what matters.
    const client = clients[Number("0110100110010110"[round % 16])];
    const answer = await client.call("ask", { method: METHODS[round % 2], for: client.name });
    assert.equal(answererOf(answer), client.name);
  }
  assertNothingCrossed(clients);
  assert.equal(clients[0].questions.length + clients[1].questions.length, 40);
  const report = await serverReport(daemon, "s");
  assert.equal(report.isolated, undefined);
  assert.equal(report.instances.length, 1);
});

daemonTest(
  "overlapping calls: refused and remembered; then new clients have their own process, and the others take turns",
  {
    config,
  },
  async (daemon) => {
    const old = await connect(daemon, ["ada", "ben"]);
    await using _old = together(old);
    const both = old.map(({ name, call }) => call("ask-later", { key: "k", for: name }));
    await old[0].call("waiting", { key: "k", count: 2 });
    await old[0].call("open", { key: "k" });
    const answers = (await within(Promise.all(both), "the end of both calls")).map(answererOf);
    assert.ok(answers.includes("unattributable"), answers.join());
    assertNothingCrossed(old);
    const { isolated, instances: [first] } = await serverReport(daemon, "s");
    assert.match(isolated ?? "", /it asked elicitation\/create while calls of several clients/);

    // Where their state is, but never two at once.
    const turns = await within(
      Promise.all(old.flatMap(({ name, call }) => [
        call("ask", { for: name, method: METHODS[0] }),
        call("ask", { for: name, method: METHODS[1] }),
      ])),
      "the end of the turns",
    );
    assert.deepEqual(turns.map(answererOf), ["ada", "ada", "ben", "ben"]);
    assert.equal(await old[0].call("pid"), String(first.pid));

    const fresh = await connect(daemon, ["cleo", "dan"]);
    await using _fresh = together(fresh);
    const pids = await Promise.all(fresh.map(({ call }) => call("pid")));
    assert.equal(new Set([...pids, String(first.pid)]).size, 3);
    const own = fresh.map(({ name, call }) => call("ask-later", { key: "own", for: name }));
    await Promise.all(fresh.map(async ({ call }) => {
      await call("waiting", { key: "own", count: 1 });
      await call("open", { key: "own" });
    }));
    assert.deepEqual((await Promise.all(own)).map(answererOf), ["cleo", "dan"]);

    // Who cannot be asked goes on sharing.
    const silent = await Promise.all(
      ["x", "y"].map((name) =>
        askedClient({ line: "v1", url: `${daemon.url}/mcp/s`, name, able: false })
      ),
    );
    await using _silent = together(silent);
    const shared = await Promise.all(silent.map(({ call }) => call("pid")));
    assert.equal(shared[0], shared[1]);
    assertNothingCrossed([...old, ...fresh]);
  },
);

daemonTest("what was learned survives a restart of the daemon, and can be forgotten", {
  config,
}, async (daemon) => {
  const verdictsFile = `${daemon.paths.cacheDir}/verdicts.json`;
  {
    const clients = await connect(daemon, ["ada", "ben"]);
    await using _ = together(clients);
    const both = clients.map(({ name, call }) => call("ask-later", { key: "k", for: name }));
    await clients[0].call("waiting", { key: "k", count: 2 });
    await clients[0].call("open", { key: "k" });
    await within(Promise.all(both), "the end of both calls");
  }
  assert.equal((await daemon.cli("mcp", "--restart-server")).code, 0);
  const pidsOfTwo = async () => {
    const clients = await connect(daemon, ["cleo", "dan"]);
    await using _ = together(clients);
    return new Set(await Promise.all(clients.map(({ call }) => call("pid")))).size;
  };
  assert.equal(await pidsOfTwo(), 2);
  assert.match((await serverReport(daemon, "s")).isolated ?? "", /elicitation/);
  const text = await Deno.readTextFile(verdictsFile);
  assert.match(text, /"server": "s"/);

  // As docs/sharing.md says.
  assert.equal((await daemon.cli("mcp", "--stop-server")).code, 0);
  await Deno.remove(verdictsFile);
  assert.equal((await daemon.cli("mcp", "--start-server")).code, 0);
  assert.equal(await pidsOfTwo(), 1);
  assert.equal((await serverReport(daemon, "s")).isolated, undefined);
});

daemonTest("a call that its client cancelled and that asks later asks nobody", {
  config,
}, async (daemon) => {
  const clients = await connect(daemon, ["ada", "ben"]);
  await using _ = together(clients);
  const [ada, ben] = clients;
  const leaving = new AbortController();
  const cancelled = ada.call("ask-later", { key: "k", for: "ada" }, { signal: leaving.signal });
  const failed = assert.rejects(cancelled);
  await ben.call("waiting", { key: "k", count: 1 });
  leaving.abort("changed my mind");
  await failed;
  // Ben calls, and alone: but the server still works for ada.
  const held = ben.call("hold", { key: "b", text: "ben's own" });
  await ben.call("waiting", { key: "b", count: 1 });
  await ben.call("open", { key: "k" });
  // Its answer, and so its question before it, have come when this one has.
  await ben.call("echo", { text: "after" });
  await ben.call("open", { key: "b" });
  assert.equal(await held, "ben's own");
  assert.deepEqual([ada.questions, ben.questions], [[], []]);
});

daemonTest("a client that goes away with a call under way is not confused with who is left", {
  config,
}, async (daemon) => {
  const [ada, ben] = await connect(daemon, ["ada", "ben"]);
  await using _ben = ben;
  const lost = ada.call("ask-later", { key: "k", for: "ada" });
  const failed = assert.rejects(lost);
  await ben.call("waiting", { key: "k", count: 1 });
  await ada[Symbol.asyncDispose]();
  await failed;
  const held = ben.call("hold", { key: "b", text: "ben's own" });
  await ben.call("open", { key: "k" });
  await ben.call("echo", { text: "after" });
  await ben.call("open", { key: "b" });
  assert.equal(await held, "ben's own");
  assert.deepEqual(ben.questions, []);
});

daemonTest(
  "random overlaps, cancellations and questions of many clients at many servers: nothing crosses",
  {
    config: {
      mcpServers: Object.fromEntries(
        Array.from(
          { length: 6 },
          (_, index) => [`s${index}`, asking({ args: [`number ${index}`] })],
        ),
      ),
    },
  },
  async (daemon) => {
    const outcomes = { own: 0, refused: 0, cancelled: 0 };
    const atServer = async (server: string) => {
      const clients = await connect(
        daemon,
        ["ada", "ben", "cleo"].map((n) => `${n} at ${server}`),
        server,
      );
      await using _ = together(clients);
      await Promise.all(clients.map(async ({ name, call }) => {
        for (let round = 0; round < 12; round++) {
          const leaving = new AbortController();
          // When it asks and when its client leaves are the input here.
          const ms = Math.random() * 20;
          const asked = call("ask-soon", {
            ms,
            method: METHODS[Math.floor(Math.random() * 2)],
            for: name,
          }, { signal: leaving.signal });
          const gives = Math.random() < 0.15;
          const outcome = asked.then(answererOf, (error) => {
            // Only what was cancelled may fail: a refusal is told to the server, not to its caller.
            if (!gives) throw error;
            return "cancelled";
          });
          if (gives) {
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
            leaving.abort("changed my mind");
          }
          const answerer = await within(outcome, `the end of call ${round} of ${name}`);
          if (answerer === name) outcomes.own++;
          else if (answerer === "cancelled") outcomes.cancelled++;
          else {
            assert.equal(answerer, "unattributable");
            outcomes.refused++;
          }
        }
      }));
      assertNothingCrossed(clients);
    };
    await Promise.all(Array.from({ length: 6 }, (_, index) => atServer(`s${index}`)));
    assert.equal(outcomes.own + outcomes.refused + outcomes.cancelled, 6 * 3 * 12);
    assert.ok(outcomes.own > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
  },
);

daemonTest(
  "the end of a visit to a URL is told to whoever was asked to go there, and to nobody else",
  {
    config,
  },
  async (daemon) => {
    const clients = await connect(daemon, ["ada", "ben"]);
    await using _ = together(clients);
    const visits = ["v0", "v1", "v2", "v3"];
    for (const [index, id] of visits.entries()) {
      const { name, call, visits } = clients[index % 2];
      const { result } = JSON.parse(await call("visit", { id, for: name }));
      assert.equal(result.action, "accept");
      // It comes on another connection than the answer. Whatever a client was told before its own last
      // one has come when that has.
      await eventually(() => visits.includes(id), `end of visit ${id}`);
    }
    assert.deepEqual(clients.map(({ visits }) => visits), [["v0", "v2"], ["v1", "v3"]]);
    assertNothingCrossed(clients);
  },
);
