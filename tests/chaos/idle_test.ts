/**
 * Arrivals around an idle end, the full round: 60 of them.
 */

import { arrivals, IDLE_MS, impatient } from "../e2e/support/arrivals.ts";
import { homeTest } from "../fixtures/daemon.ts";

homeTest("60 arrivals scattered around an idle end: all served, never two daemons at once", {
  config: impatient,
}, async (home) => {
  const generations = await arrivals(home, {
    count: 60,
    gapMs: () => IDLE_MS * (0.5 + 2 * Math.random()),
  });
  console.log(`60 arrivals were served by ${generations} daemons, one after the other`);
});
