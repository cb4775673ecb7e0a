import assert from "node:assert/strict";

import { findDaemon, type FindOptions } from "./find_daemon.ts";
import { announce, pathsOf, startDaemon } from "./testdata/daemon.ts";
import { freePort, TempDir } from "./testdata/fixtures.ts";

/** Why there is no daemon. */
async function why(options: FindOptions): Promise<string> {
  const found = await findDaemon({ deadlineMs: 10_000, ...options });
  assert.equal(found.found, false);
  return found.found ? "" : found.why;
}

Deno.test("find daemon: finds the one of this home, and proves it", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  assert.deepEqual(await findDaemon({ home: home.path }), {
    found: true,
    url: daemon.url,
    token: daemon.token,
    instanceId: daemon.instanceId,
  });
});

Deno.test("find daemon: without an announcement nothing is dialed", async () => {
  await using home = new TempDir();
  const fetch = () => assert.fail("nothing to dial");
  assert.match(await why({ home: home.path, fetch }), /daemon\.json does not exist/);
  await Deno.mkdir(pathsOf(home.path).runDir, { recursive: true });
  await Deno.writeTextFile(pathsOf(home.path).daemonJson, '{"url":"http://127.0.0');
  assert.match(await why({ home: home.path, fetch }), /is not an announcement/);
});

Deno.test("find daemon: only a literal address is dialed", async () => {
  await using home = new TempDir();
  await announce(home.path, { url: "http://localhost:7182", token: "t", instanceId: "i" });
  const fetch = () => assert.fail("a name is not dialed");
  assert.match(await why({ home: home.path, fetch }), /not a literal address/);
});

Deno.test("find daemon: one of another protocol is not used", async () => {
  await using home = new TempDir();
  const protocol = { min: 99, max: 99 };
  await announce(home.path, { url: "http://127.0.0.1:1", token: "t", instanceId: "i", protocol });
  const fetch = () => assert.fail("not dialed");
  assert.match(await why({ home: home.path, fetch }), /--restart-server/);
});

Deno.test("find daemon: a dead one is absent", async () => {
  await using home = new TempDir();
  const url = `http://127.0.0.1:${freePort()}`;
  await announce(home.path, { url, token: "t", instanceId: "i" });
  assert.match(await why({ home: home.path }), /does not answer/);
});

Deno.test("find daemon: a squatter on the port is not a daemon, and does not see the token", async () => {
  await using home = new TempDir();
  const seen: string[] = [];
  await using squatter = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      seen.push(request.url + JSON.stringify([...request.headers]));
      return Response.json({ status: "ok", instanceId: "announced", proof: "0".repeat(64) });
    },
  );
  const url = `http://127.0.0.1:${squatter.addr.port}`;
  const token = "secret-token";
  await announce(home.path, { url, token, instanceId: "announced" });
  assert.match(await why({ home: home.path }), /cannot prove/);
  assert.equal(seen.length, 1);
  assert.doesNotMatch(seen[0], /secret-token/);
});

Deno.test("find daemon: another instance, a relayed proof, a page, an error are no daemon", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const { url, token, instanceId, behaviour } = daemon;

  await announce(home.path, { url, token, instanceId: "an older one" });
  assert.match(await why({ home: home.path }), /another program/);
  await announce(home.path, { url, token, instanceId });

  // A relay on another port passes the real daemon's answer on: the proof covers the address.
  await using relay = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => fetch(`${url}/health${new URL(request.url).search}`),
  );
  await announce(home.path, { url: `http://127.0.0.1:${relay.addr.port}`, token, instanceId });
  assert.match(await why({ home: home.path }), /cannot prove/);
  await announce(home.path, { url, token, instanceId });

  behaviour.proof = () => undefined;
  assert.match(await why({ home: home.path }), /cannot prove/);
  behaviour.intercept = () => new Response("<h1>It works!</h1>");
  assert.match(await why({ home: home.path }), /something else/);
  behaviour.intercept = () => new Response("busy", { status: 500 });
  assert.match(await why({ home: home.path }), /status 500/);
  behaviour.intercept = () => Response.redirect(`${url}/elsewhere`);
  assert.match(await why({ home: home.path }), /status 302/);
});

Deno.test("find daemon: one that hangs is given up at the deadline", async () => {
  await using home = new TempDir();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const url = `http://127.0.0.1:${listener.addr.port}`;
  await announce(home.path, { url, token: "t", instanceId: "i" });
  assert.match(await why({ home: home.path, deadlineMs: 50 }), /no answer within 50 ms/);
  (await accepted).close();
});

Deno.test("find daemon: without its token nothing can be proved, so nothing is found", async () => {
  await using home = new TempDir();
  await using _daemon = await startDaemon(home.path);
  await Deno.remove(pathsOf(home.path).tokenFile);
  assert.match(await why({ home: home.path }), /cannot prove/);
});

Deno.test("find daemon: an explicit URL is proved only with an explicit token", async () => {
  await using home = new TempDir();
  await using empty = new TempDir();
  await using daemon = await startDaemon(home.path);
  const { url, token, instanceId } = daemon;
  const found = await findDaemon({ home: empty.path, url });
  assert.deepEqual(found, { found: true, url, token: undefined, instanceId });
  assert.equal((await findDaemon({ home: empty.path, url, token })).found, true);
  assert.match(await why({ home: empty.path, url, token: "wrong" }), /cannot prove/);
});

Deno.test("find daemon: the caller's signal ends it with its reason", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const controller = new AbortController();
  const hanging = Promise.withResolvers<Response>();
  daemon.behaviour.intercept = () => {
    controller.abort(new Error("the user left"));
    return hanging.promise;
  };
  await assert.rejects(
    findDaemon({ home: home.path, signal: controller.signal, deadlineMs: 10_000 }),
    /the user left/,
  );
  hanging.resolve(new Response());
});
