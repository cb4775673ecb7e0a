import assert from "node:assert/strict";

import { AichakuClient, AichakuError, type ClientOptions, type ServerNotification } from "./mod.ts";
import { startDaemon } from "./testdata/daemon.ts";
import { stdioServer, TempDir } from "./testdata/fixtures.ts";

interface World {
  client(options?: ClientOptions): AichakuClient;
}

/** The same test over the daemon and over a process. */
function inBothModes(name: string, test: (world: World) => Promise<void>): void {
  for (const mode of ["daemon", "spawn"] as const) {
    Deno.test(`handlers (${mode}): ${name}`, async () => {
      await using home = new TempDir();
      await using _daemon = await startDaemon(home.path, { behaviour: { answerAs: "sse" } });
      const clients: AichakuClient[] = [];
      try {
        await test({
          client(options) {
            const common = { home: home.path, server: "tester", mode, spawn: stdioServer() };
            clients.push(new AichakuClient({ ...common, ...options }));
            return clients.at(-1)!;
          },
        });
      } finally {
        await Promise.all(clients.map((client) => client.close()));
      }
    });
  }
}

async function json(client: AichakuClient, tool: string, args = {}): Promise<unknown> {
  return JSON.parse((await client.callTool(tool, args)).content[0].text!);
}

function ask(client: AichakuClient, method: string, params = {}): Promise<unknown> {
  return json(client, "request", { method, params });
}

inBothModes("what the client can do is declared, asked for and answered", async ({ client }) => {
  const seen: unknown[] = [];
  const capable = client({
    handlers: {
      elicitation(params, { method }) {
        seen.push([method, params]);
        return { action: "accept", content: { name: "Ada" } };
      },
      sampling: () => Promise.resolve({ role: "assistant", model: "m", content: {} }),
      roots: [{ uri: "file:///work", name: "work" }],
    },
  });
  const { capabilities } = await json(capable, "introduction") as { capabilities: unknown };
  assert.deepEqual(capabilities, { elicitation: {}, sampling: {}, roots: {} });
  assert.deepEqual(await ask(capable, "elicitation/create", { message: "Name?" }), {
    result: { action: "accept", content: { name: "Ada" } },
  });
  assert.deepEqual(seen, [["elicitation/create", { message: "Name?" }]]);
  assert.deepEqual(await ask(capable, "sampling/createMessage"), {
    result: { role: "assistant", model: "m", content: {} },
  });
  assert.deepEqual(await ask(capable, "roots/list"), {
    result: { roots: [{ uri: "file:///work", name: "work" }] },
  });
});

inBothModes("what it cannot do is refused, and nothing of it is declared", async ({ client }) => {
  const plain = client({
    handlers: { roots: () => [] },
    capabilities: { experimental: { x: {} } },
  });
  const { capabilities } = await json(plain, "introduction") as { capabilities: unknown };
  assert.deepEqual(capabilities, { roots: { listChanged: true }, experimental: { x: {} } });
  const { error } = await ask(plain, "elicitation/create") as { error: { code: number } };
  assert.equal(error.code, -32601);
});

inBothModes(
  "a handler that fails answers with an error, its own where it has one",
  async ({ client }) => {
    const failing = client({
      handlers: {
        elicitation() {
          throw new Error("the terminal is gone");
        },
        sampling() {
          throw new AichakuError("rpc", "User rejected sampling", {
            code: -1,
            data: { by: "user" },
          });
        },
        // @ts-expect-error: not a list of roots
        roots: () => 7,
      },
    });
    assert.deepEqual(await ask(failing, "elicitation/create"), {
      error: { code: -32603, message: "the terminal is gone" },
    });
    assert.deepEqual(await ask(failing, "sampling/createMessage"), {
      error: { code: -1, message: "User rejected sampling", data: { by: "user" } },
    });
    const { error } = await ask(failing, "roots/list") as { error: { code: number } };
    assert.equal(error.code, -32603);
  },
);

inBothModes(
  "a request that the server takes back aborts its handler, and gets no answer",
  async ({ client }) => {
    const aborted = Promise.withResolvers<unknown>();
    const waiting = client({
      handlers: {
        elicitation: (_params, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener("abort", () => {
              aborted.resolve(signal.reason);
              resolve({ action: "cancel" });
            })
          ),
      },
    });
    const { content } = await waiting.callTool("withdraw", { method: "elicitation/create" });
    assert.match(String(await aborted.promise), /cancelled its request \(changed its mind\)/);
    assert.equal(content[0].text, "no answer");
  },
);

inBothModes("closing aborts the handlers that still run", async ({ client }) => {
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const closing = client({
    handlers: {
      sampling(_params, { signal }) {
        signal.addEventListener("abort", () => aborted.resolve());
        begun.resolve();
        return new Promise(() => {});
      },
    },
  });
  const call = closing.callTool("request", { method: "sampling/createMessage" });
  const rejected = assert.rejects(call, { kind: "closed" });
  await begun.promise;
  await closing.close();
  await Promise.all([aborted.promise, rejected]);
});

inBothModes("notifications that belong to no call are told", async ({ client }) => {
  const heard = Promise.withResolvers<ServerNotification>();
  const listening = client({ onNotification: heard.resolve });
  await listening.callTool("announce");
  assert.deepEqual(await heard.promise, {
    method: "notifications/message",
    params: { level: "info", data: 7 },
  });
});

inBothModes("one handler's client does not hear another one's requests", async ({ client }) => {
  const named = (name: string) =>
    client({ handlers: { elicitation: () => ({ action: "accept", content: { name } }) } });
  const names = ["a", "b", "c"];
  const answers = await Promise.all(
    names.map((name) => ask(named(name), "elicitation/create")),
  );
  assert.deepEqual(
    answers,
    names.map((name) => ({ result: { action: "accept", content: { name } } })),
  );
});

Deno.test("handlers: a capability without a handler is refused", () => {
  assert.throws(
    () => new AichakuClient({ capabilities: { sampling: { tools: {} } } }),
    /Cannot declare the capability "sampling": no handler serves it; give handlers\.sampling/,
  );
});

Deno.test("handlers: a project is told to a process as its root, and to the daemon by a header", async () => {
  await using home = new TempDir();
  await using daemon = await startDaemon(home.path);
  const project = `${home.path}/a b ü`;
  await Deno.mkdir(project);
  const spec = stdioServer();
  const spawn = { ...spec, args: [...spec.args!, "${project}"], cwd: "${project}" };
  const common = { home: home.path, server: "tester", project, spawn };
  await using spawned = new AichakuClient({ ...common, mode: "spawn" });
  assert.deepEqual(await ask(spawned, "roots/list"), {
    result: { roots: [{ uri: `file://${encodeURI(project)}`, name: "a b ü" }] },
  });
  await using served = new AichakuClient({ ...common, mode: "daemon" });
  await served.listTools();
  const { headers } = await daemon.sees("tools/list");
  assert.equal(decodeURIComponent(headers.get("x-aichaku-project")!), project);
});
