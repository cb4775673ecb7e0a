import { equal, match } from "node:assert/strict";
import { createControl } from "./control.ts";
import { identify, type IdentifyOptions } from "./identify.ts";
import { Leases } from "./leases.ts";
import { listenFetch } from "./listen_fetch.ts";

const TOKEN = "a-token-of-this-test";

interface World {
  url: string;
  ask(options?: Partial<IdentifyOptions>): Promise<string>;
  leases: Leases;
}

/** A server, and how it is seen: "ours", "draining", or why it is not ours. */
async function withServer(body: (world: World) => Promise<void>): Promise<void> {
  const leases = new Leases(() => {});
  let address = "";
  const listener = listenFetch(() => new Response(), {
    hostname: "127.0.0.1",
    port: 0,
    report: { debug() {}, fault() {} },
    control({ hostname, port }) {
      address = `${hostname}:${port}`;
      return createControl({ address, port, token: TOKEN, instanceId: "mine", leases });
    },
  });
  const url = `http://${address}`;
  await body({
    url,
    leases,
    async ask(options) {
      const answer = await identify({ url, token: TOKEN, timeoutMs: 5_000, ...options });
      return answer.ours ? answer.draining ? "draining" : "ours" : answer.why;
    },
  });
  await listener.close(0);
}

Deno.test("the server of our folder proves itself, also while it ends", () =>
  withServer(async ({ ask, leases }) => {
    equal(await ask(), "ours");
    equal(await ask({ instanceId: "mine" }), "ours");
    leases.close("the end");
    equal(await ask(), "draining");
  }));

Deno.test("another token, another instance or none: a daemon of another folder", () =>
  withServer(async ({ ask, url }) => {
    const another =
      `what answers at ${url} (process ${Deno.pid}, it says) is a daemon of another folder`;
    equal(await ask({ token: "another-token" }), another);
    equal(await ask({ token: undefined }), another);
    equal(await ask({ instanceId: "another" }), another);
  }));

Deno.test("a program that relays to the server is not taken for it", () =>
  withServer(async ({ ask, url }) => {
    const relay = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(url + pathname + search);
    });
    match(await ask({ url: `http://127.0.0.1:${relay.addr.port}` }), /another folder/);
    await relay.shutdown();
  }));

for (
  const [what, response] of [
    ["200 to everything", () => new Response("fine")],
    ["JSON of its own", () => Response.json({ status: "ok", pid: "1" })],
    ["null", () => Response.json(null)],
  ] as [string, () => Response][]
) {
  Deno.test(`a program that answers with ${what} is another program`, () =>
    withServer(async ({ ask }) => {
      const squatter = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, response);
      const url = `http://127.0.0.1:${squatter.addr.port}`;
      equal(await ask({ url }), `what answers at ${url} is another program`);
      await squatter.shutdown();
    }));
}

Deno.test("nobody, and somebody who never answers, are told apart", () =>
  withServer(async ({ ask }) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
    equal(await ask({ url, timeoutMs: 1 }), `${url} did not answer within 1 ms`);
    listener.close();
    equal(await ask({ url }), `nothing that speaks HTTP answers at ${url}`);
  }));
