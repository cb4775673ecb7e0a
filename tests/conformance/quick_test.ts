/**
 * A few scenarios of the official suite on every way, for each run of the tests: what
 * `deno task conformance` does in full.
 */

import assert from "node:assert/strict";
import { denoRun } from "../../scripts/lib/project.ts";
import { daemonTest } from "../fixtures/daemon.ts";
import { CLIENT_WAYS, type ClientWay, type Era, type Revision } from "./pairings.ts";
import type { Results } from "./results.ts";
import { runClientSuite, runServerSuite } from "./suite.ts";

/** None that waits for tenths of a second: on a busy machine that says nothing of a server. */
const SCENARIOS: Readonly<Partial<Record<Revision, readonly string[]>>> = {
  "2025-11-25": ["tools-call-elicitation"],
  "2026-07-28": ["http-header-validation", "caching", "input-required-result-multi-round"],
};

/** Each is a process; behind the bridge it is a daemon as well. */
const CLIENT_SCENARIOS: Readonly<
  Record<ClientWay["way"], Readonly<Partial<Record<Revision, readonly string[]>>>>
> = {
  own: {
    "2025-11-25": ["tools_call"],
    "2026-07-28": ["tools_call", "sep-2322-client-request-state", "http-custom-headers"],
  },
  bridge: { "2026-07-28": ["tools_call"] },
};

const child = (era: Era) => ({
  command: Deno.execPath(),
  args: denoRun("tests/conformance/fixture_server.ts", era, "stdio"),
});
const config = { mcpServers: { legacy: child("legacy"), modern: child("modern") } };
const referee = {
  judges: "nothing",
  because: "the suite does wrong on purpose, and judges the rest by itself",
} as const;

for (const era of ["legacy", "modern"] as const) {
  daemonTest(
    `clients of both eras find a server of the ${era} era conformant`,
    { config, referee },
    async (daemon) => {
      const url = `${daemon.url}/mcp/${era}`;
      for (const [revision, scenarios] of Object.entries(SCENARIOS)) {
        const results = await inFolder((options) =>
          runServerSuite({ url, revision, scenarios, ...options })
        );
        assertPasses(results, scenarios.length);
      }
    },
  );
}

for (const { name, way } of CLIENT_WAYS) {
  Deno.test(`servers of both eras find a client by ${name} conformant`, async () => {
    const command = [Deno.execPath(), ...denoRun("tests/conformance/client_program.ts", way)];
    for (const [revision, scenarios] of Object.entries(CLIENT_SCENARIOS[way])) {
      const results = await inFolder((options) =>
        runClientSuite({ command, revision, scenarios, ...options })
      );
      assertPasses(results, scenarios.length);
    }
  });
}

async function inFolder(
  body: (options: { folder: string; signal: AbortSignal }) => Promise<Results>,
): Promise<Results> {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-test-" });
  const never = new AbortController();
  try {
    return await body({ folder, signal: never.signal });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function assertPasses(results: Results, scenarios: number): void {
  assert.equal(results.size, scenarios);
  let passed = 0;
  for (const [scenario, checks] of results) {
    for (const [check, { status, message }] of checks) {
      assert.ok(status === "SUCCESS" || status === "INFO", `${scenario}/${check}: ${message}`);
      if (status === "SUCCESS") passed++;
    }
  }
  assert.ok(passed > 0);
}
