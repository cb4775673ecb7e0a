/**
 * `${project}` in an entry. What a configuration is read into holds {@linkcode PROJECT_MARK} in the
 * places where the folder of the project belongs, and {@linkcode forProject} puts a folder there.
 *
 * Guarantees: a project only ever gets into `args`, the values of `env`, and `cwd`; never into the
 * program that is run, an address or a header, whatever the folder is called. Which folders may be a
 * project is decided in `project_folder.ts`, not here.
 *
 * @module
 */

import { normalize } from "@std/path";
import type { ServerEntry, StdioEntry } from "./types.ts";

/**
 * Stands where the project's folder belongs. No argument, variable or path of an operating system can
 * hold a NUL character, and the reader of the configuration refuses texts that do, so this is never
 * anything else.
 */
export const PROJECT_MARK = "\u0000project\u0000";

/** The entries that those for one project were made from. */
const origins = new WeakMap<ServerEntry, StdioEntry>();

/** An entry as it is configured, without the project that {@linkcode forProject} put into it. */
export function asConfigured(entry: ServerEntry): ServerEntry {
  return origins.get(entry) ?? entry;
}

/**
 * An entry for one project.
 *
 * @param entry An entry as configured. One that does not use the project comes back as it is.
 * @param project The folder, as `resolveProject` gives it: absolute.
 * @returns The entry with the folder in every place of the mark; its `usesProject` is false.
 */
export function forProject(entry: StdioEntry, project: string): StdioEntry {
  if (!entry.usesProject) return entry;
  const { args, env, cwd } = entry;
  const placed: StdioEntry = {
    ...entry,
    args: args.map(put),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, put(value)])),
    cwd: cwd?.includes(PROJECT_MARK) ? normalize(put(cwd)) : cwd,
    usesProject: false,
  };
  origins.set(placed, entry);
  return placed;

  function put(text: string): string {
    // Not replaceAll: in its replacement, "$&" and the like mean something, and folders hold a "$".
    return text.split(PROJECT_MARK).join(project);
  }
}
