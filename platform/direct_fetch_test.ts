import assert from "node:assert/strict";
import { directFetch } from "./direct_fetch.ts";

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`a server at ${hostname} is reached without a proxy`, async () => {
    const server = Deno.serve({ hostname, port: 0, onListen() {} }, () => new Response("here"));
    const { port } = server.addr as Deno.NetAddr;
    const url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`;
    {
      using direct = directFetch(url);
      assert.equal(await (await direct.fetch(url)).text(), "here");
    }
    await server.shutdown();
  });
}
