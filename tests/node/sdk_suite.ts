/**
 * The SDK's suite for every runtime, against a real daemon and a real server: run by `deno test` as it
 * is, and by `node --test` as a bundle (`tests/e2e/sdk_runtimes_test.ts` does both). Nothing here is
 * particular to a runtime.
 *
 * Environment: `AICHAKU_HOME` has a daemon with the server `asking`; `SUITE_SPAWN` is how that server is
 * started without one, as JSON.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";

import {
  AichakuClient,
  AichakuError,
  type ClientOptions,
  closeSharedClient,
  getSharedClient,
  isServerRunning,
  type SpawnSpec,
} from "../../client/mod.ts";

const spawn: SpawnSpec = JSON.parse(process.env.SUITE_SPAWN!);

/** One test for each way to the server: it must not make a difference. */
function inEveryMode(name: string, body: (options: ClientOptions) => Promise<void>): void {
  for (const mode of ["daemon", "spawn", "auto"] as const) {
    void test(`${mode}: ${name}`, () => body({ server: "asking", mode, spawn }));
  }
}

/** A client for the time of a test. */
async function withClient(
  options: ClientOptions,
  body: (client: AichakuClient) => Promise<void>,
): Promise<void> {
  const client = new AichakuClient(options); // Not `await using`, which Node 20 does not read.
  try {
    await body(client);
  } finally {
    await client.close();
  }
}

async function text(client: AichakuClient, name: string, args = {}): Promise<string> {
  return (await client.callTool(name, args)).content[0].text!;
}

async function kind(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (error) => error);
  return error instanceof AichakuError ? error.kind : `not an AichakuError: ${error}`;
}

inEveryMode(
  "tools are listed and called, many at once, each with its own answer",
  (options) =>
    withClient(options, async (client) => {
      const names = (await client.listTools()).map(({ name }) => name);
      assert.ok(names.includes("echo") && names.includes("ask"), names.join());
      assert.equal(client.mode, options.mode === "spawn" ? "spawn" : "daemon");
      const messages = Array.from({ length: 60 }, (_, number) => `${number} ü 😀`);
      const answers = messages.map((message) => text(client, "echo", { text: message }));
      assert.deepEqual(await Promise.all(answers), messages);
    }),
);

inEveryMode("progress comes before its answer", (options) =>
  withClient(options, async (client) => {
    const seen: unknown[] = [];
    const onProgress = ({ message }: { message?: string }) => seen.push(message);
    const result = await client.callTool("progress", { text: "half" }, { onProgress });
    seen.push(result.content[0].text);
    assert.deepEqual(seen, ["half", "half"]);
  }));

inEveryMode(
  "a deadline and an abort end a call; the next one works",
  (options) =>
    withClient(options, async (client) => {
      const hold = { key: crypto.randomUUID(), text: "x" };
      assert.equal(await kind(client.callTool("hold", hold, { timeoutMs: 50 })), "timeout");
      const controller = new AbortController();
      const held = kind(client.callTool("hold", hold, { signal: controller.signal }));
      await text(client, "echo", { text: "on its way" });
      controller.abort();
      assert.equal(await held, "aborted");
      assert.equal(await text(client, "echo", { text: "still" }), "still");
    }),
);

inEveryMode("what the server asks is answered by this client's handlers", (options) => {
  const me = crypto.randomUUID();
  const seen: unknown[] = [];
  const handlers = {
    elicitation(params: Record<string, unknown>) {
      seen.push(params.message);
      return { action: "accept", content: { answer: me } };
    },
    sampling() {
      throw new AichakuError("rpc", "User rejected sampling", { code: -1 });
    },
  };
  return withClient({ ...options, handlers }, async (client) => {
    assert.deepEqual(JSON.parse(await text(client, "ask", { for: me })), {
      result: { action: "accept", content: { answer: me } },
    });
    assert.deepEqual(seen, [me]);
    const ask = { for: me, method: "sampling/createMessage" };
    const { error } = JSON.parse(await text(client, "ask", ask));
    assert.deepEqual([error.code, error.message], [-1, "User rejected sampling"]);
  });
});

inEveryMode("errors are the same everywhere", (options) =>
  withClient(options, async (client) => {
    const errors = [
      await client.callTool("no such tool").catch((error) => error),
      await client.request("no/such/method").catch((error) => error),
    ];
    for (const error of errors) assert.equal(error.kind, "rpc", error.message);
    await client.close();
    assert.equal(await kind(client.listTools()), "closed");
  }));

void test("the shared client is one, and connects once", async () => {
  const options = { server: "asking", mode: "daemon" } as const;
  assert.equal(await isServerRunning(), true);
  const [one, other] = [getSharedClient(options), getSharedClient(options)];
  assert.equal(one, other);
  await Promise.all([one.listTools(), other.listTools()]);
  const { sessionId } = one;
  await other.listTools();
  assert.equal(other.sessionId, sessionId);
  await closeSharedClient(options);
});

void test("without a server's name, all servers", () =>
  withClient({ mode: "daemon" }, async (client) => {
    assert.equal(await text(client, "asking__echo", { text: "all" }), "all");
  }));

void test("a transport carries another client's messages", async () => {
  const owner = new AichakuClient({ server: "asking", mode: "daemon" });
  const transport = owner.transport();
  const answers = new Map<unknown, (message: Record<string, unknown>) => void>();
  transport.onmessage = (message) => answers.get(message.id)?.(message);
  const ask = (id: string, method: string, params: object) =>
    new Promise<Record<string, unknown>>((resolve) => {
      answers.set(id, resolve);
      void transport.send({ jsonrpc: "2.0", id, method, params });
    });
  const introduction = {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "by hand", version: "1" },
  };
  await transport.start();
  const { result } = await ask("a", "initialize", introduction);
  assert.equal((result as { protocolVersion: string }).protocolVersion, "2025-06-18");
  await transport.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  const echo = await ask("b", "tools/call", { name: "echo", arguments: { text: "x" } });
  assert.deepEqual((echo.result as { content: unknown[] }).content, [{ type: "text", text: "x" }]);
  const wrong = await ask("c", "no/such", {});
  assert.equal((wrong.error as { code: number }).code, -32601);
  await transport.close();
});
