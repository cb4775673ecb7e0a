/**
 * The tests' MCP server as a child process. Beside the tools of `tool_server.ts` it misbehaves when
 * its argument says so:
 *
 * - `refuse-start`: writes to stderr and exits with 7 before answering anything.
 * - `mute`: answers nothing, not even `initialize`; still ends with its stdin.
 * - `stubborn`: ignores the end of stdin and SIGTERM; ends by itself after a minute.
 * - `watched`: holds a connection to the port in `WATCH_PORT` for as long as it lives.
 *
 * Its tools `die` (exits with 3), `env` (its environment), `pid`, `junk` (lines that are no messages).
 *
 * @module
 */

import { connect } from "node:net";
import process from "node:process";

import { type Json, ToolServer } from "./tool_server.ts";

const behaviour = process.argv[2] ?? "normal";
const server = new ToolServer();

if (behaviour === "refuse-start") {
  process.stderr.write("first line\nno licence found\n");
  process.exit(7);
}
if (behaviour === "watched") {
  connect(Number(process.env.WATCH_PORT), "127.0.0.1").unref();
}
if (behaviour === "stubborn") {
  process.on("SIGTERM", () => process.stderr.write("SIGTERM ignored\n"));
  setTimeout(() => process.exit(1), 60_000);
}

let pending = "";
process.stdin.setEncoding("utf8");
if (behaviour !== "stubborn") process.stdin.on("end", () => process.exit(0));
process.stdin.on("data", (chunk: string) => {
  const lines = (pending + chunk).split("\n");
  pending = lines.pop()!;
  for (const line of lines) receive(JSON.parse(line));
});

function receive(message: Json): void {
  if (behaviour === "mute") return;
  const tool = message.method === "tools/call" ? (message.params as Json).name : undefined;
  switch (tool) {
    case "die":
      process.stderr.write("fatal: out of cheese\n", () => process.exit(3));
      return;
    case "env":
      return answer(message, JSON.stringify(process.env));
    case "pid":
      return answer(message, String(process.pid));
    case "junk":
      process.stdout.write(`Server is listening!\n\n{"jsonrpc":"2.0","id":${message.id}}\n`);
      return;
  }
  void server.receive(message, send);
}

function answer({ id }: Json, text: string): void {
  send({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } });
}

function send(message: Json): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
