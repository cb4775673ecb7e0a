/**
 * The daemon library as programs use it: real processes, the real frameworks.
 */

import assert from "node:assert/strict";
import { isLocked } from "../../server/daemon/lock.ts";
import { together } from "../fixtures/library/peer.ts";
import {
  assertGone,
  counts,
  crowdRounds,
  freePort,
  killRounds,
  place,
  startAll,
} from "./support/library_rounds.ts";
import { eventually, within } from "./support/within.ts";

const onUnix = Deno.build.os !== "windows";

for (const kind of ["hono", "express"] as const) {
  Deno.test(`12 processes start at once with ${kind}: one serves, the last one out ends it, every time`, () =>
    crowdRounds({ kind, processes: 12, rounds: 3, freshEvery: 3 }));

  Deno.test(`${kind}: whoever is killed with SIGKILL, the next start works and the count is right`, () =>
    killRounds({
      kind,
      port: freePort(),
      processes: 3,
      victims: ["client", "starter", "main", "successor"],
    }));

  Deno.test(`${kind}: SIGTERM drains: what runs is answered, streams are closed, clients are told`, async () => {
    await using here = await place();
    const peers = await here.load(kind, 2);
    await using _ = together(peers);
    const { main, clients: [client], started: [{ url }] } = await startAll(peers);
    const slow = fetch(`${url}/slow`);
    await main.event("slow");
    const events = (await fetch(`${url}/events`, { headers: { accept: "text/event-stream" } }))
      .body!.getReader();
    await events.read();

    main.kill("SIGTERM");
    await client.event("lost");
    assert.equal((await fetchText(url)).status, 503);
    await main.do("answerSlow");
    assert.equal(await (await slow).text(), "slow");
    // A clean end or a broken connection: a client of a stream has to expect both.
    await events.read().catch(() => {});
    assert.equal((await main.gone()).code, 0);
    await assertGone(here, url);
  });

  Deno.test(`${kind}: a fault of the application is a 500, and the server goes on`, async () => {
    await using here = await place();
    const peers = await here.load(kind, 1);
    await using _ = together(peers);
    const { url } = await peers[0].start();
    assert.equal((await fetchText(`${url}/fault`)).status, 500);
    assert.equal((await fetchText(url)).text, String(peers[0].pid));
  });
}

Deno.test("Koa's callback() is served as a Node listener", async () => {
  await using here = await place();
  const peers = await here.load("koa", 2);
  await using _ = together(peers);
  const { main, started: [{ url }] } = await startAll(peers);
  assert.deepEqual(await fetchText(url), { status: 200, text: String(main.pid) });
});

for (const signal of ["SIGINT", "SIGHUP"] as const) {
  Deno.test({
    name: `${signal} ends the serving process and the registered one properly, with code 0`,
    ignore: !onUnix,
    async fn() {
      await using here = await place();
      const peers = await here.load("hono", 2);
      await using _ = together(peers);
      const { main, clients: [client], started: [{ url }] } = await startAll(peers);
      client.kill(signal);
      assert.equal((await client.gone()).code, 0);
      assert.equal((await main.info()).clientCount, 1);
      main.kill(signal);
      assert.equal((await main.gone()).code, 0);
      await assertGone(here, url);
    },
  });
}

Deno.test({
  name: "a second signal does not wait for the drain",
  ignore: !onUnix,
  async fn() {
    await using here = await place();
    const peers = await here.load("hono", 1);
    await using _ = together(peers);
    const { url } = await peers[0].start();
    const slow = fetch(`${url}/slow`);
    slow.catch(() => {}); // Awaited below; it may fail before.
    await peers[0].event("slow");
    peers[0].kill("SIGTERM");
    await eventually(
      async () => (await fetchText(url)).status === 503 || undefined,
      "the drain",
    );
    peers[0].kill("SIGINT");
    assert.equal((await peers[0].gone()).code, 130);
    await assert.rejects(slow);
    assert.equal(isLocked(here.paths.lock), false);
  },
});

Deno.test("a serving process that is done serves on until the last client has left", async () => {
  await using here = await place();
  const peers = await here.load("hono", 3);
  await using _ = together(peers);
  const { main, clients: [one, two], started: [{ url }] } = await startAll(peers);
  await two.hangUp();
  await main.do("release");
  assert.equal((await one.info()).clientCount, 2);
  await one.do("stop");
  assert.equal((await main.info()).clientCount, 1);
  assert.equal((await fetchText(url)).text, String(main.pid));
  two.kill("SIGKILL");
  await main.event("ended");
  assert.equal((await main.leaves()).code, 0);
  await assertGone(here, url);
});

Deno.test("when told to take over, a client serves after the serving process was killed", async () => {
  await using here = await place({ whenLost: "takeOver" });
  const peers = await here.load("express", 3);
  await using _ = together(peers);
  const { main, clients } = await startAll(peers);
  main.kill("SIGKILL");
  const next = await Promise.all(clients.map((peer) => peer.event("rejoined"))) as {
    isMainProcess: boolean;
  }[];
  assert.equal(next.filter(({ isMainProcess }) => isMainProcess).length, 1);
  await counts(clients[0], 2);
});

/** Status and text, in time. */
async function fetchText(url: string): Promise<{ status: number; text: string }> {
  const response = await within(fetch(url), `an answer of ${url}`);
  return { status: response.status, text: await response.text() };
}
