/**
 * What a client does in each scenario of the suite, other than those about authorization. The suite
 * plays the server and judges what it sees.
 *
 * @module
 */

import type { Connect, PeerOptions } from "./peer.ts";

/** What a scenario is given. */
export interface ScenarioContext extends Pick<PeerOptions, "url" | "revision"> {
  connect: Connect;
  /** What the suite says beside the address, as JSON. */
  context: string | undefined;
}

type Scenario = (context: ScenarioContext) => Promise<void>;

/** By the names that the suite has for them. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "initialize": listTools,
  "request-metadata": listTools,
  "json-schema-ref-no-deref": listTools,

  async "tools_call"({ connect, ...where }) {
    await using peer = await connect(where);
    await peer.listTools();
    await peer.callTool("add_numbers", { a: 5, b: 3 });
  },

  async "elicitation-sep1034-client-defaults"({ connect, ...where }) {
    await using peer = await connect({ ...where, elicit: acceptDefaults });
    await peer.listTools();
    await peer.callTool("test_client_elicitation_defaults", {});
  },

  async "sse-retry"({ connect, ...where }) {
    await using peer = await connect(where);
    await peer.listTools();
    await peer.callTool("test_reconnection", {});
  },

  async "json-schema-2020-12-preservation"({ connect, ...where }) {
    await using peer = await connect(where);
    const tools = await peer.listTools();
    const schema = tools.find(({ name }) => name === "json_schema_2020_12_tool")?.inputSchema;
    await peer.callTool("json_schema_echo", { schema });
  },

  async "sep-2322-client-request-state"({ connect, ...where }) {
    const elicit = () => ({ action: "accept", content: { confirmed: true } });
    await using peer = await connect({ ...where, elicit });
    await peer.listTools();
    await peer.callTool("test_mrtr_echo_state", {});
    await peer.callTool("test_mrtr_no_state", {});
    await peer.callTool("test_mrtr_unrelated", {});
    // A result that does not say what it is: the SDK may refuse it, but must not try again.
    await peer.callTool("test_mrtr_no_result_type", {}).catch(noted);
  },

  async "http-standard-headers"({ connect, ...where }) {
    await using peer = await connect(where);
    const [tool] = await peer.listTools();
    await peer.callTool(tool.name, {});
    const [resource] = await peer.listResources();
    await peer.readResource(resource.uri);
    const [prompt] = await peer.listPrompts();
    await peer.getPrompt(prompt.name);
  },

  async "http-custom-headers"({ connect, context, ...where }) {
    await using peer = await connect(where);
    await peer.listTools();
    const { toolCalls = [] } = JSON.parse(context ?? "{}");
    for (const { name, arguments: args } of toolCalls) await peer.callTool(name, args);
  },

  async "http-invalid-tool-headers"({ connect, ...where }) {
    await using peer = await connect(where);
    for (const { name } of await peer.listTools()) {
      await peer.callTool(name, { region: "us-west1" }).catch(noted);
    }
  },
};

async function listTools({ connect, ...where }: ScenarioContext): Promise<void> {
  await using peer = await connect(where);
  await peer.listTools();
}

/** A user who takes everything as it is proposed. */
function acceptDefaults({ requestedSchema }: { requestedSchema: { properties: object } }) {
  const defaults = Object.entries(requestedSchema.properties)
    .filter(([, property]) => property.default !== undefined)
    .map(([name, property]) => [name, property.default]);
  return { action: "accept", content: Object.fromEntries(defaults) };
}

function noted(error: Error): void {
  console.error(`refused: ${error.message}`);
}
