import { equal } from "node:assert/strict";
import type { ServerLine } from "../mcp/daemon_report.ts";
import { leftOut } from "./left_out.ts";

function server(name: string, state: string, reason?: string): ServerLine {
  return { name, state, reason, clients: 0 };
}

Deno.test("who is missing in a list of everything is told with the reason, who is in it is not", () => {
  const servers = [
    server("well", "ready"),
    server("rests", "idle"),
    server("known", "backoff", "exited with code 1"),
    server("broken", "backoff", "exited with code 1\nError: no key"),
    server("slow", "starting"),
    { ...server("first", "idle"), report: { lastError: "exited with code 3\nError: no key" } },
    server("loop", "failed", "it crashed five times"),
  ];
  equal(
    leftOut(servers, ["well__a", "known__b"]),
    "Left out:\n  broken: exited with code 1\n  slow: starting\n  first: exited with code 3\n  loop: it crashed five times\n" +
      "More of them: aichaku mcp --server-status\n",
  );
  equal(leftOut(servers.slice(0, 3), ["known__b"]), "");
});
