/**
 * The official SDK's clients, both lines of them, over `client.transport()`.
 */

import assert from "node:assert/strict";

import { Client as ClientV2 } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import {
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { AichakuClient, type SdkTransport } from "./mod.ts";
import { startDaemon } from "./testdata/daemon.ts";
import { stdioServer, TempDir, testdata } from "./testdata/fixtures.ts";

const info = { name: "sdk", version: "1" };
const capabilities = { elicitation: {} };
const accept = () => ({ action: "accept" as const, content: { name: "Ada" } });

/** What a test uses of either client. */
interface SdkClient {
  connect(transport: ReturnType<AichakuClient["transport"]>): Promise<void>;
  // deno-lint-ignore no-explicit-any -- the two lines have types of their own for the same calls
  callTool(params: { name: string; arguments?: any }, a?: any, b?: any): Promise<any>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  getServerVersion(): { name: string; version: string } | undefined;
  close(): Promise<void>;
}

interface Line {
  make(onMessage: (data: unknown) => void): SdkClient;
  /** Where the options of a call stand. */
  call(client: SdkClient, name: string, args: object, options?: object): Promise<unknown>;
}

const lines: Record<string, Line> = {
  "SDK 1": {
    make(onMessage) {
      const client = new ClientV1(info, { capabilities });
      client.setRequestHandler(ElicitRequestSchema, accept);
      client.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }: { params: { data?: unknown } }) => onMessage(params.data),
      );
      return client;
    },
    call: (client, name, args, options) =>
      client.callTool({ name, arguments: args }, undefined, options).then(firstText),
  },
  "SDK 2": {
    make(onMessage) {
      const client = new ClientV2(info, { capabilities, versionNegotiation: { mode: "auto" } });
      client.setRequestHandler("elicitation/create", accept);
      client.setNotificationHandler(
        "notifications/message",
        ({ params }: { params: { data?: unknown } }) => onMessage(params.data),
      );
      return client;
    },
    call: (client, name, args, options) =>
      client.callTool({ name, arguments: args }, options).then(firstText),
  },
};

function firstText({ content }: { content: { text: string }[] }): string {
  return content[0].text;
}

for (const [name, { make, call }] of Object.entries(lines)) {
  for (const mode of ["daemon", "spawn"] as const) {
    Deno.test(`transport: ${name} over a ${mode === "daemon" ? "daemon" : "process"}`, async () => {
      await using home = new TempDir();
      await using daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
      await using owner = new AichakuClient({
        home: home.path,
        server: "tester",
        mode,
        spawn: stdioServer(),
      });
      const logged = Promise.withResolvers<unknown>();
      const client = make(logged.resolve);
      const transport = owner.transport();
      await client.connect(transport);
      try {
        assert.deepEqual(client.getServerVersion(), { name: "tool-server", version: "1.2.3" });
        // A page with the first, all of them with the second.
        assert.equal((await client.listTools()).tools[0].name, "echo");
        assert.equal(await call(client, "echo", { message: "hi" }), "hi");
        const introduction = JSON.parse(String(await call(client, "introduction", {})));
        assert.equal(introduction.clientInfo.name, "sdk");
        assert.deepEqual(
          JSON.parse(
            String(
              await call(client, "request", {
                method: "elicitation/create",
                params: { message: "Name?", requestedSchema: { type: "object", properties: {} } },
              }),
            ),
          ),
          { result: accept() },
        );
        await call(client, "announce", {});
        assert.equal(await logged.promise, 7);

        const steps: unknown[] = [];
        const onprogress = ({ message }: { message?: string }) => steps.push(message);
        assert.equal(await call(client, "progress", {}, { onprogress }), "done");
        assert.deepEqual(steps, ["step 1", "step 2", "step 3"]);

        await assert.rejects(call(client, "error", {}), { code: -32042, data: { thing: 42 } });
        const controller = new AbortController();
        const never = call(client, "never", {}, { signal: controller.signal });
        const aborted = assert.rejects(never);
        // The call above is on its way when this one was answered.
        await call(client, "echo", {});
        controller.abort(new Error("enough"));
        await aborted;
        while (await call(client, "cancelled", {}) === "[]");

        if (mode === "daemon") {
          // A session that the daemon forgot is begun anew without the SDK noticing.
          daemon.sessions.clear();
          assert.equal(await call(client, "echo", { message: "again" }), "again");
        }
        assert.equal(owner.mode, undefined, "the transport has a connection of its own");
      } finally {
        await client.close();
      }
      await assert.rejects(transport.send({ jsonrpc: "2.0", method: "x" }), { kind: "closed" });
    });
  }
}

Deno.test("transport: with nothing to connect to, connecting fails with what to do", async () => {
  await using home = new TempDir();
  await using owner = new AichakuClient({ home: home.path, server: "nothing" });
  const client = new ClientV1(info);
  await assert.rejects(
    client.connect(owner.transport()),
    /start it with "aichaku mcp --start-server"/,
  );
});

/** Checked by the compiler: both lines take it as it is. */
export function accepted(one: ClientV1, two: ClientV2, transport: SdkTransport): Promise<void>[] {
  return [one.connect(transport), two.connect(transport)];
}

for (const [name, line] of Object.entries(lines)) {
  Deno.test(`${name} over a server of the modern era: calls, and questions in rounds`, async () => {
    const spawn = {
      command: Deno.execPath(),
      args: ["run", "--allow-all", "--no-check", testdata("era_server.ts"), "modern"],
    };
    const owner = new AichakuClient({ server: "tester", mode: "spawn", spawn, era: "auto" });
    const client = line.make(() => {});
    try {
      await client.connect(owner.transport());
      assert.deepEqual(client.getServerVersion(), { name: "modern-server", version: "3.2.1" });
      assert.ok((await client.listTools()).tools.some(({ name }) => name === "rounds"));
      const question = { message: "Name?", requestedSchema: { type: "object", properties: {} } };
      const questions = { q: { method: "elicitation/create", params: question } };
      const said = JSON.parse(String(await line.call(client, "rounds", { questions })));
      assert.deepEqual(said, { inputResponses: { q: accept() }, requestState: "1" });
    } finally {
      await client.close();
    }
  });
}
