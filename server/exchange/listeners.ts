/**
 * Modern clients that listen: each has a call that goes on until it leaves, told what it asked to hear
 * and nothing else, under the id of its call.
 *
 * Source: MCP 2026-07-28, basic/patterns/subscriptions.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../protocol/json.ts";
import { META, metaOf } from "../../protocol/modern.ts";
import type { Call } from "./call.ts";
import type { Session } from "./session.ts";

/** What a client asks to hear of. */
export interface ListenFilter {
  toolsListChanged?: boolean;
  promptsListChanged?: boolean;
  resourcesListChanged?: boolean;
  resourceSubscriptions?: string[];
}

/** The part of a filter that a list's change belongs to. */
const FILTER_OF: Readonly<Record<string, keyof ListenFilter>> = {
  "notifications/tools/list_changed": "toolsListChanged",
  "notifications/prompts/list_changed": "promptsListChanged",
  "notifications/resources/list_changed": "resourcesListChanged",
};

/** Resources that one listener is told of. */
const MAX_RESOURCES = 1_000;

interface Listener {
  call: Call;
  filter: ListenFilter;
}

/** Reads the filter of a `subscriptions/listen`. */
export function readFilter(params: JsonObject | undefined): ListenFilter {
  const given = isObject(params?.notifications) ? params.notifications : {};
  const filter: ListenFilter = {};
  for (const key of ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] as const) {
    if (given[key] === true) filter[key] = true;
  }
  const uris = given.resourceSubscriptions;
  if (Array.isArray(uris)) {
    // What is beyond is left out of what the client is told it will hear of.
    filter.resourceSubscriptions = [...new Set(uris)].filter((uri) => typeof uri === "string")
      .slice(0, MAX_RESOURCES);
  }
  return filter;
}

/** The part of a filter that a server with these capabilities can honour. */
export function honourable(filter: ListenFilter, capabilities: JsonObject): ListenFilter {
  const can = (name: string, part: string) => {
    const capability = capabilities[name];
    return isObject(capability) && capability[part] === true;
  };
  return {
    ...(filter.toolsListChanged && can("tools", "listChanged") ? { toolsListChanged: true } : {}),
    ...(filter.promptsListChanged && can("prompts", "listChanged")
      ? { promptsListChanged: true }
      : {}),
    ...(filter.resourcesListChanged && can("resources", "listChanged")
      ? { resourcesListChanged: true }
      : {}),
    ...(filter.resourceSubscriptions !== undefined && can("resources", "subscribe")
      ? { resourceSubscriptions: filter.resourceSubscriptions }
      : {}),
  };
}

/** Everybody who listens at one place. */
export class Listeners {
  readonly #byId = new Map<string, Listener>();

  /**
   * Begins: the client is told what it will hear of. The call is settled when the client leaves, or by
   * {@linkcode Listeners.end}.
   *
   * @param id By which subscriptions know this listener.
   */
  add(id: string, { call, filter }: Listener, onLeave: () => void): void {
    this.#byId.set(id, { call, filter });
    call.whenDraining(() => finish(call));
    call.whenSettled(() => {
      this.#byId.delete(id);
      onLeave();
    });
    const acknowledged = call.notify(
      tagged(call, "notifications/subscriptions/acknowledged", { notifications: filter }),
    );
    if (!acknowledged) {
      call.fail(
        new Fault("invalid_request", "Cannot listen: the client must accept text/event-stream"),
      );
    }
  }

  /** A list has changed. @param method The notification's. */
  onListChanged(method: string, params?: JsonObject): void {
    const key = FILTER_OF[method];
    for (const { call, filter } of this.#byId.values()) {
      if (filter[key] === true) call.notify(tagged(call, method, params));
    }
  }

  /** A resource has changed that `id` subscribed to. @returns false when nobody of that id listens. */
  onUpdated(id: string, params: JsonObject): boolean {
    const listener = this.#byId.get(id);
    listener?.call.notify(tagged(listener.call, "notifications/resources/updated", params));
    return listener !== undefined;
  }

  /** A client goes elsewhere, and is to listen there. */
  endOf(session: Session): void {
    for (const { call } of [...this.#byId.values()]) if (call.session === session) finish(call);
  }

  /** There is nothing to be told here any more. */
  end(): void {
    for (const { call } of [...this.#byId.values()]) finish(call);
  }
}

function finish(call: Call): void {
  // Where all streams share one channel, closing one is said on it. Source: basic/patterns/cancellation.
  if (call.paramHeaders === undefined) {
    const params = { requestId: parseJson(call.id) };
    call.notify(stringifyJson({ jsonrpc: "2.0", method: "notifications/cancelled", params }));
  }
  call.succeed({ _meta: { [META.subscriptionId]: parseJson(call.id) } });
}

/** A notification under the id of the call that opened the stream. */
function tagged(call: Call, method: string, params: JsonObject | undefined): string {
  return stringifyJson({
    jsonrpc: "2.0",
    method,
    params: {
      ...params,
      _meta: { ...metaOf(params), [META.subscriptionId]: parseJson(call.id) },
    },
  });
}
