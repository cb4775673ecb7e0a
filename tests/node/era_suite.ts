/**
 * The SDK with servers of both eras, in every era of its own, over the daemon and over a process: run by
 * `deno test` as it is, and by `node --test` as a bundle (`tests/e2e/sdk_eras_test.ts` does both). What a
 * program sees must be the same in every case. Nothing here is particular to a runtime.
 *
 * Environment: `AICHAKU_HOME` has a daemon with the servers `legacy` and `modern` (those of the matrix);
 * `SUITE_LEGACY` and `SUITE_MODERN` are how they are started without one, as JSON.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";

import { AichakuClient, AichakuError, type ClientOptions } from "../../client/mod.ts";

const RESOURCE = "matrix://one";

/** Revision that is spoken, by how the server is reached, the SDK's era, and the server's. */
const SPOKEN: Record<string, string> = {
  "daemon, default, legacy": "2025-11-25",
  "daemon, default, modern": "2025-11-25",
  "daemon, auto, legacy": "2026-07-28",
  "daemon, auto, modern": "2026-07-28",
  "daemon, modern, legacy": "2026-07-28",
  "daemon, modern, modern": "2026-07-28",
  "spawn, default, legacy": "2025-11-25",
  "spawn, default, modern": "2026-07-28",
  "spawn, legacy, legacy": "2025-11-25",
  "spawn, modern, modern": "2026-07-28",
};

type Json = Record<string, unknown>;

/** Notifications as they come, and waiting for them. */
class Heard {
  readonly #methods: string[] = [];
  #waiting: (() => void)[] = [];

  take(method: string): void {
    this.#methods.push(method);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until(method: string): Promise<void> {
    while (!this.#methods.includes(method)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

for (const [name, revision] of Object.entries(SPOKEN)) {
  const [mode, era, server] = name.split(", ");
  void test(`${mode}, era ${era}, a ${server} server`, async () => {
    const heard = new Heard();
    const me = crypto.randomUUID();
    const client = new AichakuClient({
      mode: mode as ClientOptions["mode"],
      ...(era === "default" ? {} : { era: era as ClientOptions["era"] }),
      server,
      spawn: JSON.parse(process.env[`SUITE_${server.toUpperCase()}`]!),
      handlers: {
        elicitation: ({ message }: Json) => ({ action: "accept", content: { answer: message } }),
        sampling: () => ({
          role: "assistant",
          model: "none",
          content: { type: "text", text: me },
        }),
      },
      onNotification: ({ method }) => heard.take(method),
    });
    try {
      await play(client, { heard, me });
      assert.equal(client.initializeResult!.protocolVersion, revision);
      assert.equal(client.serverInfo!.name, `matrix-${server}`);
      assert.equal(client.sessionId !== undefined, mode === "daemon" && era === "default");
    } finally {
      await client.close(); // Not `await using`, which Node 20 does not read.
    }
  });
}

/** Everything that a program does with a server. */
async function play(client: AichakuClient, { heard, me }: { heard: Heard; me: string }) {
  const text = async (tool: string, args: Json = {}) =>
    (await client.callTool(tool, args)).content[0].text!;
  const names = (await client.listTools()).map(({ name }) => name);
  assert.ok(names.includes("echo") && names.includes("grow"), names.join());
  const messages = Array.from({ length: 20 }, (_, number) => `${number} ü 😀`);
  assert.deepEqual(
    await Promise.all(messages.map((message) => text("echo", { text: message }))),
    messages,
  );
  const progress: number[] = [];
  await client.callTool("progress", {}, { onProgress: (one) => progress.push(one.progress) });
  assert.deepEqual(progress, [1, 2, 3]);
  assert.deepEqual(JSON.parse(await text("elicit", { text: me })), {
    action: "accept",
    content: { answer: me },
  });
  assert.equal(await text("sample"), me);
  assert.deepEqual(await client.request("resources/subscribe", { uri: RESOURCE }), {});
  await text("touch");
  await heard.until("notifications/resources/updated");
  await text("grow");
  await heard.until("notifications/tools/list_changed");
  assert.deepEqual(await client.request("ping"), {});
  const { contents } = await client.request("resources/read", { uri: RESOURCE });
  assert.deepEqual(contents, [{ uri: RESOURCE, text: "one" }]);
  const wrong = await client.request("prompts/list").catch((error) => error);
  assert.ok(wrong instanceof AichakuError);
  assert.deepEqual([wrong.kind, wrong.code], ["rpc", -32601]);
  const controller = new AbortController();
  const held = client.callTool("hold", { key: me }, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(held, { kind: "aborted" });
  assert.equal(await text("cancelled", { key: me }), "it was");
}
