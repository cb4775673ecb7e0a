import assert from "node:assert/strict";
import { checkServers } from "./servers.ts";

Deno.test("a server that failed is told with why, and those that run or rest are not", () => {
  const line = (name: string, state: string, reason?: string) => (
    { name, state, clients: 0, reason }
  );
  const findings = checkServers([
    line("rests", "idle"),
    line("runs", "ready"),
    line("keyless", "failed", "exited with code 1\nUsage: keyless\nError: no API key"),
    line("slow", "failed", "did not answer initialize within 60 s"),
    line("older", "failed"),
  ]);
  assert.deepEqual(findings.map(({ text }) => text), [
    "keyless does not run: exited with code 1; Error: no API key",
    "slow does not run: did not answer initialize within 60 s",
    "older does not run",
  ]);
  assert.ok(findings.every(({ level, remedy }) => level === "warning" && /--logs/.test(remedy!)));
});
