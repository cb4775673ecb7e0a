/**
 * A project as the roots of a client, and the roots of a client as a project.
 *
 * @module
 */

import { basename, toFileUrl } from "@std/path";
import { isObject, type JsonObject } from "../../protocol/json.ts";

/** The answer to `roots/list` of a server that works on `project`, an absolute folder. */
export function projectRoots(project: string): JsonObject {
  return { roots: [{ uri: toFileUrl(project).href, name: basename(project) }] };
}

/** The addresses in an answer to `roots/list`; none when it is not one. */
export function rootUris(result: unknown): string[] {
  const roots = isObject(result) && Array.isArray(result.roots) ? result.roots : [];
  return roots.map((root) => isObject(root) ? root.uri : undefined)
    .filter((uri) => typeof uri === "string");
}
