/**
 * What a client finds of what it was promised before its server could be asked.
 */

import assert from "node:assert/strict";
import { eventually } from "../../tests/e2e/support/within.ts";
import { Endpoints } from "../../tests/fixtures/endpoints.ts";
import { settle } from "../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../tests/fixtures/fake_wire.ts";
import { PROJECT, serveAll, settleAll } from "../../tests/fixtures/served_endpoints.ts";
import type { ServerEndpoint } from "./server_endpoint.ts";

Deno.test("lists of what a server turns out not to have are empty, however often they are asked for", async () => {
  const all = new Endpoints();
  const endpoint = all.endpoint(PROJECT);
  const client = all.client("a", endpoint, { capabilities: { roots: {} } });
  await endpoint.initialize(client.session, {});
  for (const [method, empty] of [["tools/list", undefined], ["prompts/list", []]] as const) {
    for (let again = 0; again < 2; again++) {
      const reply = client.call(method);
      await settleAll();
      for (const question of reply.notified) {
        client.respond(question, { result: { roots: [{ uri: "file:///tmp" }] } });
      }
      for (let i = 0; i < 3; i++) {
        await settleAll();
        serveAll(all);
      }
      assert.equal(reply.outcome, "answered", method);
      assert.deepEqual(reply.answers[0].result.prompts, empty, method);
    }
  }
});

/** Has a client of `project` call once; its server is initialized with `instructions`. */
async function beginAt(all: Endpoints, endpoint: ServerEndpoint, { project, instructions }: {
  project: string;
  instructions: string;
}): Promise<void> {
  const client = all.client(project, endpoint, { project });
  const reply = client.call("tools/call");
  await eventually(async () => {
    await settleAll();
    return all.opened.some(({ spec, wires }) =>
      spec.project === project && wires.opened.length > 0
    );
  }, "the server's start");
  all.wire().initialize({ instructions });
  await settle();
  const [{ id }] = all.wire().take();
  all.wire().answer(id);
  assert.equal(reply.outcome, "answered");
}

/** The instructions that a client hears whose project is not known yet. */
async function instructionsFor(all: Endpoints, endpoint: ServerEndpoint): Promise<unknown> {
  const client = all.client("b", endpoint, { capabilities: { roots: {} } });
  const said = await endpoint.initialize(client.session, {});
  client.leave();
  assert.equal((said.serverInfo as Json).name, "fake");
  assert.deepEqual(said.capabilities, { tools: {} });
  return said.instructions;
}

/** What a client hears after each of two projects' processes has said this. */
async function heardAfter(instructionsOf: (project: string) => string): Promise<unknown[]> {
  const projects = ["one", "two"].map((prefix) =>
    Deno.realPathSync(Deno.makeTempDirSync({ prefix }))
  );
  try {
    const all = new Endpoints();
    const endpoint = all.endpoint(PROJECT);
    const heard: unknown[] = [];
    for (const project of projects) {
      await beginAt(all, endpoint, { project, instructions: instructionsOf(project) });
      heard.push(await instructionsFor(all, endpoint));
    }
    return heard;
  } finally {
    for (const project of projects) Deno.removeSync(project);
  }
}

Deno.test("what a server said of one client's project is not told to a client of another", async () => {
  const heard = await heardAfter((project) => `You work on ${project}`);
  assert.deepEqual(heard, [undefined, undefined]);
});

Deno.test("instructions that two projects have in common are told to a third", async () => {
  const heard = await heardAfter(() => "Ask before you write");
  assert.deepEqual(heard, [undefined, "Ask before you write"]);
});
