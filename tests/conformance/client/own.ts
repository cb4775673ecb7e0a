/**
 * The client SDK of this project, directly at the suite's server. It talks to a daemon; so the suite's
 * server gets a front that looks like one, and passes on what is said to it.
 *
 * @module
 */

import { AichakuClient } from "../../../client/mod.ts";
import { serveFront } from "./front.ts";
import type { Peer, PeerOptions } from "./peer.ts";

/** Connects. */
export function connectOwn({ url, elicit }: PeerOptions): Promise<Peer> {
  const front = serveFront(
    url,
    (request) =>
      new URL(request.url).pathname === "/health"
        ? Response.json({ status: "ok", instanceId: "suite" })
        : undefined,
  );
  const client = new AichakuClient({
    server: "suite",
    mode: "daemon",
    url: front.url,
    // A daemon speaks both, so that the client would not ask; the suite speaks one at a time.
    era: "auto",
    ...(elicit === undefined ? {} : {
      handlers: { elicitation: (params) => elicit(params) },
    }),
  });
  const request = (method: string, params = {}) => client.request(method, params);
  return Promise.resolve({
    listTools: () => client.listTools() as never,
    callTool: (name, args) => client.callTool(name, args),
    listResources: async () => (await request("resources/list")).resources as never,
    readResource: (uri) => request("resources/read", { uri }),
    listPrompts: async () => (await request("prompts/list")).prompts as never,
    getPrompt: (name) => request("prompts/get", { name, arguments: {} }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await front[Symbol.asyncDispose]();
    },
  });
}
