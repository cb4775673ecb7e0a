import assert from "node:assert/strict";
import { RemoteScripted } from "../../../tests/fixtures/servers/remote_scripted.ts";
import { Endpoint, isLoopback, NoResponse } from "./endpoint.ts";

const SIGNAL = new AbortController().signal;

function get(endpoint: Endpoint): Promise<Response> {
  return endpoint.request({ method: "GET", headers: {}, signal: SIGNAL });
}

Deno.test("this machine's names and addresses are told from all others", () => {
  const hosts = ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"];
  for (const host of hosts) assert.ok(isLoopback(host), host);
  const others = [
    "example.com",
    "localhost.example.com",
    "128.0.0.1",
    "127.0.0.1.example.com",
    "[::2]",
  ];
  for (const host of others) assert.ok(!isLoopback(host), host);
});

for (
  const [listens, dials] of [["127.0.0.1", "localhost"], ["::1", "localhost"], ["::1", "[::1]"]]
) {
  const name = `a server that listens at ${listens} is found as ${dials}`;
  Deno.test({ name, ignore: !canListenAt(listens) }, async () => {
    const server = Deno.serve(
      { port: 0, hostname: listens, onListen() {} },
      (request) => new Response(request.headers.get("host")),
    );
    const url = `http://${dials}:${server.addr.port}/`;
    using endpoint = new Endpoint({ url, headers: {} });
    assert.equal(await (await get(endpoint)).text(), `${dials}:${server.addr.port}`);
    await server.shutdown();
  });
}

Deno.test("what keeps a request from being sent is told without its URL", async () => {
  const server = new RemoteScripted();
  const url = `http://user:s3cr3t@127.0.0.1:${server.port}/s3cr3t?key=s3cr3t`;
  await server[Symbol.asyncDispose]();
  using endpoint = new Endpoint({ url, headers: { "x-key": "s3cr3t" } });
  await assert.rejects(get(endpoint), (error) => {
    assert.ok(error instanceof NoResponse);
    assert.match(error.message, /refused/);
    assert.equal(error.sent, false);
    assert.doesNotMatch(`${error.stack} ${error.cause}`, /s3cr3t/);
    return true;
  });
});

Deno.test("a TLS handshake that fails: nothing was sent", async () => {
  // The scripted server speaks no TLS: the handshake itself fails, before anything is sent.
  await using server = new RemoteScripted();
  using endpoint = new Endpoint({ url: `https://127.0.0.1:${server.port}/`, headers: {} });
  await assert.rejects(get(endpoint), (error) => error instanceof NoResponse && !error.sent);
  assert.deepEqual(server.seen, []);
});

/** Not every machine has IPv6. */
function canListenAt(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
