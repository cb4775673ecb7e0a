import { equal } from "node:assert/strict";
import { nearest } from "./nearest.ts";

Deno.test("slips find the word that was meant, strangers find none", () => {
  const words = ["--start-server", "--stop-server", "--server-status", "--json", "mcp", "review"];
  equal(nearest("--strat-server", words), "--start-server");
  equal(nearest("--stopserver", words), "--stop-server");
  equal(nearest("--server-stat", words), "--server-status");
  equal(nearest("--jsno", words), "--json");
  equal(nearest("mpc", words), "mcp");
  equal(nearest("xyz", words), undefined);
  equal(nearest("mc", words), "mcp");
  equal(nearest("reviews", words), "review");
  equal(nearest("deploy", words), undefined);
  equal(nearest("", words), undefined);
});
