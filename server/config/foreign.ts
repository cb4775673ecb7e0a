/**
 * What other MCP clients write in their configurations, and what it means here. A block pasted from
 * Claude, Cursor, VS Code, Codex, Windsurf, Cline, Roo Code or Gemini CLI is read through these
 * tables: every foreign key is mapped to one of ours or ignored, each time with a warning that says
 * so, and none is ever a reason to refuse a file.
 *
 * The tables are the documentation too: `docs/configuration.md` names every key in them, and a test
 * compares the two.
 *
 * @module
 */

import type { Node, Property } from "./document.ts";
import { quote } from "./document.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import type { Findings } from "./findings.ts";
import { ENTRY_KEYS } from "./schema.ts";

/** A foreign key of an entry. */
interface ForeignKey {
  /** The client that writes it. */
  client: string;
  /**
   * Applies it to our keys.
   *
   * @returns What was done with it, as the end of a sentence that begins with the key.
   */
  apply(use: ForeignUse): string;
}

interface ForeignUse {
  /** The foreign key's own property. */
  property: Property;
  /** All keys of the entry as written. */
  written: ReadonlyMap<string, Property>;
  /** Our keys so far; the result. */
  own: Map<string, Property>;
  /** The user's environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Keeps the server from running, for a reason that ends a sentence beginning with the key. */
  fail(because: string): void;
}

/** Top-level keys of other clients that hold servers like our `mcpServers`, and who writes them. */
export const SERVER_MAPS: ReadonlyMap<string, string> = new Map([
  ["servers", "VS Code"],
  ["mcp_servers", "Codex"],
  ["context_servers", "Zed"],
]);

/** Other top-level keys of other clients, and why they have no effect. */
export const IGNORED_TOP_LEVEL: ReadonlyMap<string, string> = new Map([
  [
    "inputs",
    "(VS Code) is ignored: there is nobody to ask for values; use environment variables " +
    "and ${VARIABLE}",
  ],
]);

const APPROVAL = "approving calls is left to each client";
const TOOL_FILTER = "tools are not filtered here, so all of this server's tools are offered";
const SIGN_IN = 'signing in is not done here; give what the server needs in "headers"';
const NO_SANDBOX = "the server runs without a sandbox";
const DESCRIPTIVE = "it only describes the server";

/** Foreign keys of an entry. Our own keys always win over them. */
export const FOREIGN_ENTRY_KEYS: ReadonlyMap<string, ForeignKey> = new Map([
  ["transport", renamed("type", "Roo Code, FastMCP")],
  ["transportType", renamed("type", "Cline")],
  ["serverUrl", renamed("url", "Windsurf")],
  ["httpUrl", renamed("url", "Gemini CLI")],
  ["environment", renamed("env", "opencode")],
  ["enabled", inverted("disabled", "Codex, Zed")],
  ["isActive", inverted("disabled", "Cherry Studio")],
  ["timeout", { client: "Claude Code, Cline, Gemini CLI", apply: applyTimeout }],
  ["tool_timeout_sec", seconds("callTimeout", "Codex")],
  ["startup_timeout_sec", seconds("startTimeout", "Codex")],
  ["startup_timeout_ms", milliseconds("startTimeout", "Codex")],
  ["env_vars", { client: "Codex", apply: applyForwardedVariables }],
  ["http_headers", { client: "Codex", apply: applyHeaders }],
  ["env_http_headers", { client: "Codex", apply: applyHeadersFromVariables }],
  ["bearer_token_env_var", { client: "Codex", apply: applyBearerVariable }],

  ["autoApprove", ignored("Cline, Kiro", APPROVAL)],
  ["alwaysAllow", ignored("Roo Code", APPROVAL)],
  ["trust", ignored("Gemini CLI", APPROVAL)],
  ["default_tools_approval_mode", ignored("Codex", APPROVAL)],
  ["tools", ignored("Copilot CLI, Codex", TOOL_FILTER)],
  ["includeTools", ignored("Gemini CLI", TOOL_FILTER)],
  ["excludeTools", ignored("Gemini CLI", TOOL_FILTER)],
  ["disabledTools", ignored("Roo Code, Windsurf", TOOL_FILTER)],
  ["enabled_tools", ignored("Codex", TOOL_FILTER)],
  ["disabled_tools", ignored("Codex", TOOL_FILTER)],
  ["auth", ignored("Cursor", SIGN_IN)],
  ["oauth", ignored("Claude Code, Gemini CLI", SIGN_IN)],
  ["oauth_resource", ignored("Codex", SIGN_IN)],
  ["scopes", ignored("Codex", SIGN_IN)],
  ["authProviderType", ignored("Gemini CLI", SIGN_IN)],
  ["targetAudience", ignored("Gemini CLI", SIGN_IN)],
  ["targetServiceAccount", ignored("Gemini CLI", SIGN_IN)],
  ["headersHelper", ignored("Claude Code", SIGN_IN)],
  ["sandbox", ignored("VS Code", NO_SANDBOX)],
  ["sandboxEnabled", ignored("VS Code", NO_SANDBOX)],
  ["dev", ignored("VS Code", "files are not watched and no debugger is attached")],
  ["watchPaths", ignored("Roo Code", "files are not watched")],
  ["alwaysLoad", ignored("Claude Code", "servers start on first use")],
  ["required", ignored("Codex", "servers start on first use")],
  ["supports_parallel_tool_calls", ignored("Codex", 'see "sharing"')],
  ["source", ignored("Zed", "it says where the entry came from")],
  ["settings", ignored("Zed", "it is for an extension of the editor")],
  ["extensionName", ignored("Gemini CLI", DESCRIPTIVE)],
  ["gallery", ignored("VS Code", DESCRIPTIVE)],
  ["version", ignored("VS Code", DESCRIPTIVE)],
  ["name", ignored("Cherry Studio", DESCRIPTIVE)],
  ["description", ignored("Gemini CLI, Cherry Studio", DESCRIPTIVE)],
]);

/** What the values of `type` and `transport` mean, lower case and without `-`, `_` and spaces. */
const TRANSPORTS: ReadonlyMap<string, "stdio" | "http" | "sse" | "ws" | "builtin"> = new Map([
  ["stdio", "stdio"],
  ["local", "stdio"],
  ["http", "http"],
  ["streamablehttp", "http"],
  ["remote", "http"],
  ["sse", "sse"],
  ["ws", "ws"],
  ["websocket", "ws"],
  ["builtin", "builtin"],
]);

/** The transport that a value of `type` names, in whichever client's spelling; undefined for none. */
export function transportNamed(type: string) {
  return TRANSPORTS.get(type.toLowerCase().replaceAll(/[-_\s]/g, ""));
}

/** What {@linkcode mapForeignKeys} needs to know beside the entry. */
export interface ForeignContext {
  /** How messages name the entry, such as `server "docs"`. */
  label: string;
  findings: Findings;
  env: Readonly<Record<string, string | undefined>>;
}

/** An entry after {@linkcode mapForeignKeys}. */
export interface Mapped {
  /** Our keys alone. */
  own: Map<string, Property>;
  /** What keeps the server from running: where, and the reason. */
  troubles: { node: Node; reason: string }[];
}

/** The keys of an entry as our keys alone; warns of every other key. */
export function mapForeignKeys(
  written: ReadonlyMap<string, Property>,
  { label, findings, env }: ForeignContext,
): Mapped {
  const own = new Map([...written].filter(([key]) => ENTRY_KEYS.has(key)));
  const troubles: Mapped["troubles"] = [];
  for (const [key, property] of written) {
    if (ENTRY_KEYS.has(key)) continue;
    const foreign = FOREIGN_ENTRY_KEYS.get(key);
    const fail = (because: string) => {
      troubles.push({ node: property.node, reason: `${quote(key)} ${because}` });
    };
    const outcome = foreign
      ? `(${foreign.client}) ${foreign.apply({ property, written, own, env, fail })}`
      : "is not known and is ignored; check its spelling";
    findings.warn(property.key, `${label}: ${quote(key)} ${outcome}.`);
  }
  return { own, troubles };
}

function renamed(to: string, client: string): ForeignKey {
  return {
    client,
    apply({ property, own }) {
      if (own.has(to)) return `is ignored: "${to}" is given too`;
      own.set(to, property);
      return `is read as "${to}"`;
    },
  };
}

function ignored(client: string, because: string): ForeignKey {
  return { client, apply: () => `is ignored: ${because}` };
}

function inverted(to: string, client: string): ForeignKey {
  return {
    client,
    apply({ property, own }) {
      if (own.has(to)) return `is ignored: "${to}" is given too`;
      if (typeof property.value !== "boolean") return "is ignored: it is not true or false";
      own.set(to, { ...property, value: !property.value });
      return `is read as "${to}": ${!property.value}`;
    },
  };
}

function seconds(to: string, client: string): ForeignKey {
  return { client, apply: (use) => applyDuration(use, to, 1_000) };
}

function milliseconds(to: string, client: string): ForeignKey {
  return { client, apply: (use) => applyDuration(use, to, 1) };
}

/** Keys that stand beside `timeout` only where the client counts it in seconds. */
const CLINE_FAMILY = ["autoApprove", "alwaysAllow", "transportType", "disabledTools", "watchPaths"];

/** The longest timeout that Roo Code accepts, one hour in seconds. */
const LONGEST_IN_SECONDS = 3_600;

/**
 * `timeout` has no unit of its own: Claude Code and Gemini CLI mean milliseconds, Cline and Roo Code
 * seconds. The rule: below 1,000 it is seconds (Claude Code takes no such value, and nobody means half
 * a second); up to 3,600 it is seconds when a key of Cline or Roo Code stands beside it; otherwise it
 * is milliseconds. The warning says what was understood and how to say it without a rule.
 */
function applyTimeout(use: ForeignUse): string {
  const { value } = use.property;
  if (typeof value === "string") return applyDuration(use, "callTimeout", undefined);
  const inSeconds = typeof value === "number" &&
    (value < 1_000 ||
      value <= LONGEST_IN_SECONDS && CLINE_FAMILY.some((key) => use.written.has(key)));
  return applyDuration(use, "callTimeout", inSeconds ? 1_000 : 1);
}

/** Sets one of our durations from a number in the given unit, or from a text with its own unit. */
function applyDuration(
  { property, own }: ForeignUse,
  to: string,
  unitMs: number | undefined,
): string {
  if (own.has(to)) return `is ignored: "${to}" is given too`;
  const { value } = property;
  const ms = typeof value === "number"
    ? parseDuration(value * (unitMs ?? 1))
    : unitMs === undefined && typeof value === "string"
    ? parseDuration(value)
    : undefined;
  if (ms === undefined) return `is ignored: it is no duration; write "${to}", such as "2m"`;
  own.set(to, { ...property, value: ms });
  return `is understood as "${to}": "${formatDuration(ms)}"; write that to be sure`;
}

function applyForwardedVariables(use: ForeignUse): string {
  const { value } = use.property;
  const names = Array.isArray(value) ? value.filter(isVariableName) : [];
  if (!Array.isArray(value) || names.length < value.length) {
    return 'is ignored: it is not an array of names; write "env": { "NAME": "${NAME}" }';
  }
  // Codex forwards what is set and says nothing of the rest.
  const set = names.filter((name) => isSet(name, use));
  mergeMap(use, "env", set.map((name) => [name, referenceTo(name, use)]));
  return 'is read as "env", for those of its variables that are set';
}

function applyHeaders(use: ForeignUse): string {
  const { value } = use.property;
  if (!(value instanceof Map)) return "is ignored: it is not an object";
  mergeMap(use, "headers", [...value]);
  return 'is read as "headers"';
}

function applyHeadersFromVariables(use: ForeignUse): string {
  const { value } = use.property;
  if (!(value instanceof Map) || ![...value.values()].every(isVariableName)) {
    return 'is ignored: it is not an object of names; write "headers": { "X-Key": "${NAME}" }';
  }
  mergeMap(use, "headers", [...value].map(([header, name]) => [header, referenceTo(name, use)]));
  return 'is read as "headers", with the values of those variables';
}

function applyBearerVariable(use: ForeignUse): string {
  const { value } = use.property;
  if (!isVariableName(value)) return "is ignored: it is not the name of an environment variable";
  mergeMap(use, "headers", [["Authorization", `Bearer ${referenceTo(value, use)}`]]);
  return 'is read as the "Authorization" of "headers"';
}

/** The name of a variable that is not set is not shown: tokens get pasted in its place. */
function referenceTo(name: string, use: ForeignUse): string {
  if (isSet(name, use)) return `\${${name}}`;
  use.fail(
    "names an environment variable that is not set; set it before the daemon starts, and write " +
      "its name there, not the secret itself",
  );
  return "";
}

function isSet(name: string, { env }: ForeignUse): boolean {
  return Object.hasOwn(env, name) && env[name] !== undefined;
}

function isVariableName(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value);
}

/** Adds to one of our objects; what is already there wins. */
function mergeMap({ property, own }: ForeignUse, to: string, entries: [unknown, unknown][]): void {
  const existing = own.get(to);
  // Something else stands under our own key: the schema will say so.
  if (existing && !(existing.value instanceof Map) && existing.value !== null) return;
  const present = existing?.value instanceof Map ? existing.value : new Map();
  const node: Node = existing?.node ?? property.node;
  own.set(to, {
    key: existing?.key ?? property.key,
    node,
    value: new Map([...entries, ...present]),
  });
}
