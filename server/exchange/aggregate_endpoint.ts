/**
 * All servers behind one address. A tool is called `server__tool`: the prefix is the configured name,
 * which is unique, and not what a server calls itself, which is not. Lists are in the order of the
 * configuration.
 *
 * Tools only so far; prompts and resources are reached at each server's own address.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { describe, type NotificationMessage, notificationText } from "../../protocol/message.ts";
import { negotiateRevision } from "../../protocol/revisions.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../daemon/log.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import { readPages } from "./pages.ts";
import type { ServerEndpoint } from "./server_endpoint.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode AggregateEndpoint}. */
export interface AggregateEndpointOptions {
  /** By name, in the order of the configuration. */
  servers: ReadonlyMap<string, ServerEndpoint>;
  version: string;
  clock: Clock;
  log: Logger;
  /** Milliseconds a list waits for one server. Default 15,000. */
  listTimeoutMs?: number;
}

const SEPARATOR = "__";
/** Milliseconds that a list waits for a server which was missing from the one before. */
const AGAIN_MS = 1_000;
const LIST_CHANGED = "notifications/tools/list_changed";

/** Every server together. */
export class AggregateEndpoint implements Endpoint {
  readonly server = undefined;
  readonly #options: AggregateEndpointOptions;
  readonly #sessions = new Map<string, Session>();
  /** Servers that were missing from somebody's list, and will be announced when they are there. */
  readonly #missing = new Set<string>();

  constructor(options: AggregateEndpointOptions) {
    this.#options = options;
  }

  /** Sessions at this address. */
  get sessions(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  initialize(_session: Session, params: JsonObject | undefined): Promise<JsonObject> {
    const names = [...this.#options.servers.keys()];
    return Promise.resolve({
      protocolVersion: negotiateRevision(params?.protocolVersion),
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "aichaku", version: this.#options.version },
      instructions: `Tools of these servers, each named server__tool: ${names.join(", ")}`,
    });
  }

  request(call: Call): void {
    switch (call.method) {
      case "ping":
        return call.succeed({});
      case "tools/list":
        return void this.#listTools(call);
      case "tools/call":
        return this.#callTool(call);
      default:
        return call.fail(
          new Fault(
            "method_not_found",
            `No method ${describe(call.method)} at /mcp, which serves tools; for the rest use ` +
              `/mcp/{server}`,
          ),
        );
    }
  }

  notification(session: Session, message: NotificationMessage): void {
    // Nothing else that a client says to all servers at once means the same to each of them.
    if (message.method !== "notifications/roots/list_changed") return;
    for (const endpoint of this.#options.servers.values()) endpoint.notification(session, message);
  }

  join(session: Session): void {
    this.#sessions.set(session.id, session);
  }

  leave(session: Session): void {
    this.#sessions.delete(session.id);
    for (const endpoint of this.#options.servers.values()) endpoint.leave(session);
  }

  /** A server runs: whoever got a list without it hears that there is more. */
  onReady(server: string): void {
    if (this.#missing.delete(server)) this.onToolsChanged();
  }

  /** The tools of one server changed, so those of all did. */
  onListChanged(_server: string, method: string): void {
    if (method === LIST_CHANGED) this.onToolsChanged();
  }

  /** Everybody hears that the list is another. */
  onToolsChanged(): void {
    const text = notificationText(LIST_CHANGED);
    for (const session of this.#sessions.values()) session.mailbox.post(text);
  }

  #callTool(call: Call): void {
    const name = call.params?.name;
    const [owner, ...others] = typeof name === "string" ? this.#ownersOf(name) : [];
    if (owner === undefined || others.length > 0) {
      return call.fail(new Fault("invalid_params", this.#whyNot(name, [owner, ...others])));
    }
    call.params = { ...call.params, name: owner.tool };
    owner.endpoint.request(call);
  }

  /** Servers a full name can belong to. Names may end in `_`, so `a___b` can be of `a` and of `a_`. */
  #ownersOf(name: string): Owner[] {
    return [...this.#options.servers]
      .filter(([server]) => name.startsWith(server + SEPARATOR))
      .map(([server, endpoint]) => ({
        endpoint,
        tool: name.slice(server.length + SEPARATOR.length),
      }));
  }

  #whyNot(name: unknown, [owner, ...others]: (Owner | undefined)[]): string {
    const shown = typeof name === "string" ? describe(name) : JSON.stringify(name);
    if (owner === undefined) {
      const servers = [...this.#options.servers.keys()].join(", ");
      return `Unknown tool ${shown}: tools are named server__tool, and the servers are ${servers}`;
    }
    const servers = [owner, ...others].map((one) => one?.endpoint.server).join(" and ");
    return `Tool ${shown} could be of ${servers}; rename one of them in config.json`;
  }

  async #listTools(call: Call): Promise<void> {
    const lists = await Promise.all(
      [...this.#options.servers].map(([name, endpoint]) => this.#toolsOf(name, endpoint, call)),
    );
    call.succeed({ tools: lists.flat() });
  }

  /** One server's tools under their full names; none when it fails or takes too long. */
  #toolsOf(name: string, endpoint: ServerEndpoint, call: Call): Promise<JsonObject[]> {
    const { clock, listTimeoutMs: fullMs = 15_000 } = this.#options;
    // Who made one list wait in vain does not hold up every list after it: it will be announced.
    const listTimeoutMs = this.#missing.has(name) ? Math.min(fullMs, AGAIN_MS) : fullMs;
    return new Promise((resolve) => {
      const giveUp = (why: string) => {
        this.#missing.add(name);
        this.#options.log.warn("server left out of a list", { server: name, why });
        resolve([]);
      };
      const timer = clock.after(listTimeoutMs, () => giveUp(`no answer in ${listTimeoutMs} ms`));
      readTools(endpoint, call).then(
        (tools) => {
          resolve(tools.map((tool) => ({ ...tool, name: `${name}${SEPARATOR}${tool.name}` })));
          // It came too late for this list, or another one went out without it: there is more now.
          if (this.#missing.delete(name)) this.onToolsChanged();
        },
        (error) => giveUp(error.message),
      ).finally(() => timer[Symbol.dispose]());
    });
  }
}

async function readTools(endpoint: ServerEndpoint, call: Call): Promise<JsonObject[]> {
  const { instance } = await endpoint.reach(call.session, call);
  const { capabilities } = await instance.ready();
  if (capabilities.tools === undefined) return [];
  const tools = await readPages(instance, {
    owner: call.owner,
    method: "tools/list",
    member: "tools",
  });
  return tools.filter((tool) => typeof tool.name === "string");
}

interface Owner {
  endpoint: ServerEndpoint;
  /** What the server itself calls the tool. */
  tool: string;
}
