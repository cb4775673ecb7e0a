/**
 * Servers of both eras as a child process, for the tests of how the era is found out. The argument:
 *
 * - `modern`: speaks 2026-07-28 only, and refuses `initialize`.
 * - `slow`: the same, but says nothing until it was asked to `initialize`.
 * - `silent`: a legacy one that says nothing to what it does not know.
 * - `strict`: a legacy one that ends when the first message is not `initialize`.
 * - `old`: speaks eras, but of the revisions known here only 2025-06-18.
 * - `future`: speaks a revision that nobody knows.
 * - `stubborn`: refuses the revision that it names.
 *
 * The tool `echo` and, of modern ones, those of `modern_server.ts`.
 *
 * @module
 */

import process from "node:process";

import { ModernServer } from "./modern_server.ts";
import { type Json, ToolServer } from "./tool_server.ts";

const kind = process.argv[2];
const modern = new ModernServer();
const legacy = new ToolServer();
const held: Json[] = [];
let isFirst = true;
let pending = "";

process.stdin.setEncoding("utf8");
process.stdin.on("end", () => process.exit(0));
process.stdin.on("data", (chunk: string) => {
  const lines = (pending + chunk).split("\n");
  pending = lines.pop()!;
  for (const line of lines) receive(JSON.parse(line));
});

function receive(message: Json): void {
  const { id, method } = message;
  const wasFirst = isFirst;
  isFirst = false;
  const isProbe = method === "server/discover";
  if (kind === "strict" && wasFirst && method !== "initialize") {
    process.stderr.write("expect initialized request\n", () => process.exit(1));
    return;
  }
  if (kind === "silent" && isProbe) return;
  if (kind === "slow" && isProbe) return void held.push(message);
  if (isProbe && ["old", "future", "stubborn"].includes(kind)) return refuse(id);
  if (["silent", "strict", "old"].includes(kind)) return void legacy.receive(message, send);
  if (method === "initialize") {
    send({ jsonrpc: "2.0", id, error: { code: -32022, message: "Only 2026-07-28 is spoken" } });
    for (const one of held.splice(0)) modern.receive(one, send);
    return;
  }
  modern.receive(message, send);
}

function refuse(id: unknown): void {
  const supported = { old: ["2031-01-01", "2025-06-18"], future: ["2031-01-01"] }[kind] ??
    ["2026-07-28"];
  const data = { supported, requested: "2026-07-28" };
  send({ jsonrpc: "2.0", id, error: { code: -32022, message: "Unsupported", data } });
}

function send(message: Json): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
