/**
 * The client that the official suite starts for each of its scenarios:
 *
 *     MCP_CONFORMANCE_SCENARIO=… deno run -A tests/conformance/client_program.ts WAY URL
 *
 * `direct`: the official SDK, at the suite's server. `bridge`: the same behind `aichaku mcp --stdio`, the
 * suite's server being a server of the daemon. `own`: the client SDK of this project.
 *
 * @module
 */

import { withDiscover } from "./client/front.ts";
import { connectBridge, connectDirectly } from "./client/official.ts";
import { connectOwn } from "./client/own.ts";
import type { Connect } from "./client/peer.ts";
import { SCENARIOS } from "./client/scenarios.ts";

const WAYS: Readonly<Record<string, Connect>> = {
  direct: connectDirectly,
  bridge: connectBridge,
  own: connectOwn,
};

/** Scenarios of 2026-07-28 whose server does not answer `server/discover`. */
const UNDISCOVERED = new Set([
  "http-standard-headers",
  "http-custom-headers",
  "http-invalid-tool-headers",
  "sep-2322-client-request-state",
]);

const [way, url] = Deno.args;
const name = Deno.env.get("MCP_CONFORMANCE_SCENARIO") ?? "";
const scenario = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
const connect = Object.hasOwn(WAYS, way) ? WAYS[way] : undefined;
if (scenario === undefined || connect === undefined || url === undefined) {
  console.error(
    `Cannot play ${JSON.stringify(name)} by ${JSON.stringify(way)}: ` +
      `say one of ${Object.keys(WAYS).join(", ")} and an address`,
  );
  Deno.exit(2);
}
{
  await using stack = new AsyncDisposableStack();
  await scenario({
    connect,
    url: UNDISCOVERED.has(name) ? stack.use(withDiscover(url)).url : url,
    revision: Deno.env.get("MCP_CONFORMANCE_PROTOCOL_VERSION") ?? "",
    context: Deno.env.get("MCP_CONFORMANCE_CONTEXT"),
  });
}
// The SDK leaves streams behind that keep a process alive.
Deno.exit(0);
