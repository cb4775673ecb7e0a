/** `aichaku mcp --stdio`: what a client answers to a server's questions. */

import assert from "node:assert/strict";
import { homeTest } from "../fixtures/daemon.ts";
import { LineBridge } from "./support/line_bridge.ts";
import type { Json } from "./support/mcp_session.ts";
import { asking } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

homeTest("a server whose question is answered too long is told at once, and goes on", {
  referee: { judges: "only ours", because: "a message is too long" },
  config: { mcpServers: { asking: asking() } },
}, async (home) => {
  await using client = new LineBridge(home, ["--server", "asking"]);
  const call = (id: number, params: Json) =>
    client.write({ jsonrpc: "2.0", id, method: "tools/call", params });
  await client.write({
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: { sampling: {} },
      clientInfo: { name: "test", version: "1" },
    },
  });
  await client.answerTo(0);
  await client.write({ jsonrpc: "2.0", method: "notifications/initialized" });
  // Longer than the daemon takes, and longer than the bridge itself does.
  for (const [index, length] of [5 * 1024 * 1024, 65 * 1024 * 1024].entries()) {
    await call(index + 1, {
      name: "ask",
      arguments: { method: "sampling/createMessage", for: "me" },
    });
    const questions = () => client.messages.filter(({ method }) => method !== undefined);
    await eventually(() => questions().length > index, "the question");
    const { id } = questions()[index];
    const content = { type: "text", text: "x".repeat(length) };
    await client.write({ jsonrpc: "2.0", id, result: { role: "assistant", model: "m", content } });
    const { result } = await client.answerTo(index + 1);
    const { error } = JSON.parse(result.content[0].text);
    assert.match(error.message, /^Cannot take the client's answer: /);
  }
});
