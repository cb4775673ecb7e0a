import { fromFileUrl } from "@std/path";
import { systemClock } from "../../../platform/clock.ts";
import { createLogger } from "../../daemon/log.ts";
import { within } from "../../../tests/e2e/support/within.ts";
import { openStdioWire } from "../stdio_wire.ts";
import { type SuiteServer, testWireKind } from "../wire_suite.ts";
import type { RemoteEntry } from "../../config/types.ts";
import { openRemoteWire } from "./open_remote_wire.ts";

const SCRIPT = fromFileUrl(
  new URL("../../../tests/fixtures/servers/remote_suite_server.ts", import.meta.url),
);
const log = createLogger({ write: (line) => console.error(line), minimum: "error" });

function args(kind: string): string[] {
  return ["run", "-A", "--no-check", "--no-config", "--no-lock", "--quiet", SCRIPT, kind];
}

testWireKind({
  name: "stdio",
  start: () =>
    Promise.resolve<SuiteServer>({
      open: (events, bounds) =>
        openStdioWire({
          server: "suite",
          command: Deno.execPath(),
          args: args("stdio"),
          env: Deno.env.toObject(),
          cwd: Deno.cwd(),
          onStderr: (line) => console.error(line),
          ...bounds,
        }, events),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
});

for (const type of ["http", "sse", "ws"] as const) {
  testWireKind({ name: type, start: () => startRemote(type), outlivesServer: type === "http" });
}

async function startRemote(type: RemoteEntry["type"]): Promise<SuiteServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: args(type),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stdout = child.stdout.getReader();
  const { value } = await within(stdout.read(), "the address of the server");
  const address = new TextDecoder().decode(value).trim();
  const url = `${type === "ws" ? "ws" : "http"}://${address}/mcp`;
  const entry = { name: "suite", type, url, headers: {} };
  return {
    open: (events, { maxLineLength, maxOwed }) =>
      openRemoteWire(entry, {
        clock: systemClock,
        random: Math.random,
        log,
        maxServerMessageBytes: maxLineLength,
        // Over HTTP more may be under way, since requests have no pipe in common.
        maxOwed: type === "http" ? maxOwed / 16 : maxOwed,
      })(events),
    async [Symbol.asyncDispose]() {
      await stdout.cancel();
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It died in the test.
      }
      await child.status;
    },
  };
}
