/**
 * Inputs of both eras that are almost right, on every way in: nothing crashes, hangs or grows, and
 * whatever is refused is refused with an error that means something. Short rounds; the long ones are in
 * `tests/chaos/fuzz_test.ts`.
 */

import { TRANSPORTS } from "../e2e/support/inbound_clients.ts";
import { fuzz, fuzzHttp, fuzzMessages } from "./rounds.ts";

Deno.test("HTTP requests that are almost right break nothing, and leave nothing behind", async () => {
  await fuzz((daemon, seed) => fuzzHttp(daemon, { seed, runs: 3_000 }));
});

Deno.test("messages of both eras that are almost right break nothing, on any connection", async () => {
  await fuzz(async (daemon, seed) => {
    for (const transport of TRANSPORTS) {
      if (transport.name === "/mcp/v1") continue; // It speaks for all servers at once; see the first test.
      await fuzzMessages(daemon, { transport, seed, runs: 40 });
    }
  });
});
