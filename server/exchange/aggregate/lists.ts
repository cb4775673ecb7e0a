/**
 * The lists that servers have, in one table: how each is asked for, what in it names an item, and which
 * notification says that it changed.
 *
 * Source: MCP 2025-11-25, server/tools, server/prompts, server/resources.
 *
 * @module
 */

/** A list; also the member of its result that holds the items. */
export type ListName = "tools" | "prompts" | "resources" | "resourceTemplates";

/** What is to be known of a list. */
export interface ListKind {
  method: string;
  /** Capability of a server that has it. */
  capability: string;
  /** Member of an item that names it, and that no two items of one list share. */
  key: string;
  /** Notification that says it is another now. */
  changed: string;
  /** Whether items are named `server__name` at the address of all servers together. */
  prefixed: boolean;
}

/** Every list. */
export const LISTS: Readonly<Record<ListName, ListKind>> = {
  tools: {
    method: "tools/list",
    capability: "tools",
    key: "name",
    changed: "notifications/tools/list_changed",
    prefixed: true,
  },
  prompts: {
    method: "prompts/list",
    capability: "prompts",
    key: "name",
    changed: "notifications/prompts/list_changed",
    prefixed: true,
  },
  resources: {
    method: "resources/list",
    capability: "resources",
    key: "uri",
    changed: "notifications/resources/list_changed",
    prefixed: false,
  },
  resourceTemplates: {
    method: "resources/templates/list",
    capability: "resources",
    key: "uriTemplate",
    changed: "notifications/resources/list_changed",
    prefixed: false,
  },
};

/** Their names. */
export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];

/** The list that `method` asks for. */
export function listOfMethod(method: string): ListName | undefined {
  return LIST_NAMES.find((list) => LISTS[list].method === method);
}

/** The lists that a notification says have changed; none when it says no such thing. */
export function listsOfNotification(method: string): ListName[] {
  return LIST_NAMES.filter((list) => LISTS[list].changed === method);
}
