/**
 * A program that uses the SDK as its users do, for the tests that run it as a process of its own, on
 * Deno and (bundled) on Node. Arguments: what to do, and the client's options as JSON.
 *
 * It never calls `process.exit`: that it ends is what is tested.
 *
 * @module
 */

import process from "node:process";

import {
  AichakuClient,
  AichakuError,
  type ClientOptions,
  closeSharedClient,
  getSharedClient,
  isServerRunning,
} from "../mod.ts";

const [scenario, optionsText = "{}"] = process.argv.slice(2);
const options: ClientOptions = JSON.parse(optionsText);

const scenarios: Record<string, () => Promise<unknown>> = {
  /** One call, nothing closed. */
  async call() {
    return (await new AichakuClient(options).callTool("echo", { message: "hi" })).content[0].text;
  },
  /** A call that was given up, nothing closed. */
  async timeout() {
    const client = new AichakuClient(options);
    return await client.callTool("never", {}, { timeoutMs: 20 }).then(kindOf, kindOf);
  },
  async closed() {
    const client = new AichakuClient(options);
    try {
      return await text(client, "echo", { message: "hi" });
    } finally {
      await client.close(); // Not `await using`, which Node 20 does not read.
    }
  },
  /** A client that listens and can be asked, nothing closed. */
  async listening() {
    const heard: unknown[] = [];
    const client = new AichakuClient({
      ...options,
      handlers: { elicitation: () => ({ action: "decline" }), roots: [{ uri: "file:///a" }] },
      onNotification: ({ method }) => heard.push(method),
    });
    await client.callTool("announce");
    const answers = [
      await text(client, "request", { method: "elicitation/create" }),
      await text(client, "request", { method: "roots/list" }),
      await text(client, "request", { method: "sampling/createMessage" }),
    ];
    return { heard, answers };
  },
  async running() {
    return await isServerRunning(options);
  },
  /** A bit of everything: what it gives must be the same on every runtime and in every mode. */
  async tour() {
    const client = getSharedClient(options);
    const many = Array.from({ length: 50 }, (_, i) => text(client, "echo", { message: `m${i}` }));
    const steps: unknown[] = [];
    const onProgress = (progress: unknown) => steps.push(progress);
    const result = {
      tools: (await client.listTools()).map(({ name }) => name),
      many: await Promise.all(many),
      error: await failure(client, "error"),
      asked: await text(client, "ask"),
      timeout: await client.callTool("never", {}, { timeoutMs: 20 }).then(kindOf, kindOf),
      aborted: await client.callTool("never", {}, { signal: AbortSignal.abort() })
        .then(kindOf, kindOf),
      progress: await client.callTool("progress", {}, { onProgress }),
      steps,
      info: client.serverInfo,
    };
    await closeSharedClient();
    return { ...result, closed: await failure(client, "echo") };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));

async function text(client: AichakuClient, name: string, args = {}): Promise<string | undefined> {
  return (await client.callTool(name, args)).content[0].text;
}

async function failure(client: AichakuClient, name: string): Promise<unknown> {
  const error = await client.callTool(name).then(() => undefined, (error) => error);
  if (!(error instanceof AichakuError)) return `not an AichakuError: ${error}`;
  const { kind, message, code, data } = error;
  return { kind, message, code, data };
}

function kindOf(value: unknown): string {
  return value instanceof AichakuError ? value.kind : "no error";
}
