/** The long rounds of `tests/fuzz/`: 60,000 HTTP requests, and 1,000 messages on every way in. */

import { TRANSPORTS } from "../e2e/support/inbound_clients.ts";
import { fuzz, fuzzHttp, fuzzMessages } from "../fuzz/rounds.ts";

Deno.test("60,000 HTTP requests that are almost right leave the daemon as it was", async () => {
  await fuzz((daemon, seed) => fuzzHttp(daemon, { seed, runs: 60_000 }));
});

for (const transport of TRANSPORTS) {
  if (transport.name === "/mcp/v1") continue; // It speaks for all servers at once; see above.
  Deno.test(`${transport.name}: 1,000 messages of both eras that are almost right break nothing`, async () => {
    await fuzz((daemon, seed) => fuzzMessages(daemon, { transport, seed, runs: 1_000 }));
  });
}
