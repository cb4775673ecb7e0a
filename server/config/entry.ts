/**
 * One entry of `mcpServers`, from the file's tree to a `ServerEntry`.
 *
 * A wrong type of one of our own keys is an error of the file. Whatever else keeps one server from
 * running (a variable that is not set, a missing `envFile`, a transport nobody knows) makes that entry
 * a `BrokenEntry` and is warned about; the other servers are none the worse. A disabled entry is not
 * looked into at all.
 *
 * @module
 */

import { kindOf, propertiesOf, type Property, quote } from "./document.ts";
import { readRemote } from "./entry_remote.ts";
import { type EntryContext, EntryScope } from "./entry_scope.ts";
import { readStdio } from "./entry_stdio.ts";
import { mapForeignKeys, transportNamed } from "./foreign.ts";
import { type EntryInput, EntrySchema } from "./schema.ts";
import type { BuiltinEntry, EntryCommon, RemoteEntry, ServerEntry } from "./types.ts";
import { validate } from "./validate.ts";

/** Milliseconds for starting a server, when the entry says nothing. */
export const DEFAULT_START_TIMEOUT_MS = 60_000;
/** Milliseconds a call may be silent, when the entry says nothing. */
export const DEFAULT_CALL_TIMEOUT_MS = 600_000;

/** Milliseconds without calls until a server may be stopped, when the entry says nothing. */
export const DEFAULT_IDLE_TIMEOUT_MS = 600_000;

type Kind = "stdio" | "builtin" | RemoteEntry["type"];

/** Keys that mean something only to one way of reaching a server. */
const KEYS_OF: Readonly<Record<"stdio" | "remote" | "built-in", readonly (keyof EntryInput)[]>> = {
  stdio: ["command", "args", "env", "envFile", "cwd"],
  remote: ["url", "headers"],
  "built-in": ["builtin"],
};

/** Keys whose values may be shown in an error: none of them ever holds a secret. */
const SHOWABLE: ReadonlySet<string> = new Set([
  "type",
  "builtin",
  "disabled",
  "sharing",
  "retry",
  "callTimeout",
  "startTimeout",
  "idleTimeout",
]);

/** A built-in server as it runs when the configuration says nothing about it. */
export function builtinEntry(builtin: BuiltinEntry["builtin"]): BuiltinEntry {
  return {
    kind: "builtin",
    name: builtin,
    builtin,
    startTimeoutMs: DEFAULT_START_TIMEOUT_MS,
    callTimeoutMs: DEFAULT_CALL_TIMEOUT_MS,
    idleTimeoutMs: DEFAULT_IDLE_TIMEOUT_MS,
    sharing: { mode: "auto", from: "default" },
  };
}

/**
 * Reads one entry.
 *
 * @param name The name of the server, already mapped.
 * @param property The entry in its object.
 * @returns The server; `"disabled"`; or undefined when it had errors, which are in the findings.
 */
export async function readEntry(
  name: string,
  property: Property,
  context: EntryContext,
): Promise<ServerEntry | "disabled" | undefined> {
  const { node } = property;
  const label = `server ${quote(name)}`;
  if (node.type !== "object") {
    context.findings.error(
      node,
      `${label} is ${kindOf(property.value)}: it must be an object, such as ` +
        `{ "command": "npx", "args": ["-y", "some-package"] }.`,
    );
    return undefined;
  }
  const findings = context.findings.fork();
  const { own, troubles } = mapForeignKeys(propertiesOf(node), {
    label,
    findings,
    env: context.env,
  });
  for (const [key, { value }] of own) if (value === null) own.delete(key);
  if (own.get("disabled")?.value === true) return "disabled";
  context.findings.adopt(findings);

  const input = validate(EntrySchema, own, {
    label: `${label}: `,
    node,
    findings: context.findings,
    showable: SHOWABLE,
  });
  if (!input) return undefined;
  const scope = new EntryScope({ name, property, own, input, context });
  for (const { node, reason } of troubles) scope.trouble(node, reason);
  const common = readCommon(scope);
  const kind = kindOfEntry(scope);
  if (kind) warnOfKeysWithoutEffect(scope, kind);
  const entry = await readKind(scope, kind, common);
  if (scope.failed) return undefined;
  if (entry && scope.troubles.length === 0) return entry;
  return { ...common, kind: "broken", problem: scope.troubles.join("; ") };
}

function readCommon(scope: EntryScope): EntryCommon {
  const { sharing, retry } = scope.input;
  const idleTimeout = scope.duration("idleTimeout");
  return {
    name: scope.name,
    startTimeoutMs: scope.duration("startTimeout") ?? DEFAULT_START_TIMEOUT_MS,
    callTimeoutMs: scope.duration("callTimeout") ?? DEFAULT_CALL_TIMEOUT_MS,
    idleTimeoutMs: idleTimeout === "never" ? undefined : idleTimeout ?? DEFAULT_IDLE_TIMEOUT_MS,
    sharing: sharing === undefined
      ? { mode: "auto", from: "default" }
      : { mode: sharing, from: "config" },
    ...(retry === undefined ? {} : { retry }),
  };
}

/** How the server is reached; undefined when that cannot be told. */
function kindOfEntry(scope: EntryScope): Kind | undefined {
  const { type, command, url, builtin } = scope.input;
  if (builtin !== undefined) return "builtin";
  if (type !== undefined) {
    const kind = transportNamed(type);
    if (!kind) {
      scope.trouble(
        scope.nodeOf("type"),
        `its type ${quote(type)} is not known; use "stdio", "http", "sse" or "ws"`,
      );
    }
    return kind;
  }
  if (command !== undefined) return "stdio";
  if (url !== undefined) return transportOf(url);
  // An entry that is only named after a built-in tunes it, or asks for it.
  if (isBuiltin(scope.name)) return "builtin";
  scope.trouble(
    scope.property.key,
    'it has neither "command" nor "url"; add the one that reaches it',
  );
  return undefined;
}

function warnOfKeysWithoutEffect(scope: EntryScope, kind: Kind): void {
  const group = kind === "stdio" ? "stdio" : kind === "builtin" ? "built-in" : "remote";
  for (const [other, keys] of Object.entries(KEYS_OF)) {
    if (other === group) continue;
    for (const key of keys) {
      const property = scope.own.get(key);
      if (property) scope.warn(property.key, `"${key}" has no effect on a ${group} server`);
    }
  }
}

function readKind(
  scope: EntryScope,
  kind: Kind | undefined,
  common: EntryCommon,
): Promise<ServerEntry> | ServerEntry | undefined {
  if (kind === undefined) return undefined;
  if (kind === "stdio") return readStdio(scope, common);
  if (kind !== "builtin") return readRemote(scope, kind, common);
  const builtin = scope.input.builtin ?? scope.name;
  if (isBuiltin(builtin)) return { ...common, kind: "builtin", builtin };
  scope.error(
    scope.nodeOf("type"),
    `"type" is "builtin", but ${quote(builtin)} is no built-in server: ` +
      'add "builtin": "reviewer" or "sample"',
  );
  return undefined;
}

function isBuiltin(name: string): name is BuiltinEntry["builtin"] {
  return name === "reviewer" || name === "sample";
}

/** The transport of a URL without a `type`: what its scheme says, else `sse` for a path that ends so. */
function transportOf(url: string): RemoteEntry["type"] {
  if (/^wss?:/i.test(url)) return "ws";
  return /\/sse\/?(?:[?#]|$)/.test(url) ? "sse" : "http";
}
