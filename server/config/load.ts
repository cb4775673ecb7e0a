/**
 * Reads `config.json`. The outcome is a whole, valid configuration or one {@linkcode ConfigError} that
 * names every problem with file, line and remedy; never something in between, so that a reload can
 * keep the last good configuration.
 *
 * The file is JSONC (comments, trailing commas), UTF-8 or UTF-16, with or without a byte order mark.
 * `docs/configuration.md` is the reference of what may stand in it.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import {
  ConfigDocument,
  ConfigError,
  duplicateKeys,
  kindOf,
  propertiesOf,
  type Property,
  quote,
} from "./document.ts";
import { builtinEntry, readEntry } from "./entry.ts";
import type { EntryContext } from "./entry_scope.ts";
import { Findings } from "./findings.ts";
import { IGNORED_TOP_LEVEL, SERVER_MAPS } from "./foreign.ts";
import { mapServerName } from "./names.ts";
import { defaultSettings, hostOf, readSettings } from "./settings.ts";
import { decodeText } from "./text.ts";
import type { Config, ServerEntry, ServerSettings } from "./types.ts";

export { ConfigError } from "./document.ts";

/** What the command line says over the file. */
export interface Override {
  /** `--host`. */
  host?: string;
  /** `--port`; 0 lets the system choose. */
  port?: number;
}

/** What {@linkcode loadConfig} is given. */
export interface LoadOptions {
  /** Path of the file. */
  file: string;
  /** Whether the file must exist (`--config` named it). Otherwise its absence means the defaults. */
  required: boolean;
  /** The user's environment, for `${VAR}`. */
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, for `~` and `${userHome}`. */
  home: string;
  /** What the command line says over the file. Default nothing. */
  override?: Override;
}

/**
 * The configuration of a file, or the defaults when there is none.
 *
 * @throws {ConfigError} When the file cannot be read or used, or an override is impossible.
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const { file, home, required, override } = options;
  const text = await readText(file, required);
  if (text === undefined) {
    return {
      server: overridden(defaultSettings(home), override),
      // With nothing configured there is still something to try: everything built in.
      servers: new Map([builtinEntry("reviewer"), builtinEntry("sample")].map((e) => [e.name, e])),
      disabled: [],
      warnings: [],
      source: undefined,
    };
  }
  return await parseConfig(text, options);
}

/**
 * The configuration that a text holds; `options.file` only names it and is where relative paths start.
 *
 * @throws {ConfigError} When the text cannot be used, or an override is impossible.
 */
export async function parseConfig(
  text: string,
  { file, env, home, override }: Omit<LoadOptions, "required">,
): Promise<Config> {
  const document = new ConfigDocument(file, text);
  const findings = new Findings(document);
  for (const keys of duplicateKeys(document.root)) {
    const lines = keys.map((key) => `line ${document.lineOf(key)}`).join(" and ");
    findings.warn(
      keys.at(-1)!,
      `${
        quote(keys[0]!.value)
      } stands more than once in this object, in ${lines}; the last counts.`,
    );
  }
  const sections = propertiesOf(document.root);
  const server = readSettings(sections.get("server"), { findings, env, home });
  const context = { env, home, folder: dirname(resolve(file)), findings };
  const { servers, disabled } = await readServers(sections, context);
  warnOfOtherSections(sections, findings);
  findings.throwIfErrors();
  return {
    server: overridden(server, override),
    servers,
    disabled,
    warnings: findings.warnings,
    source: file,
  };
}

async function readText(file: string, required: boolean): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      if (!required) return undefined;
      throw new ConfigError(
        [`${file}: There is no such configuration file: create it, or correct the path.`],
        { cause },
      );
    }
    if (cause instanceof Deno.errors.IsADirectory) {
      throw new ConfigError(
        [`${file}: The configuration file cannot be read: it is a folder; name a file.`],
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      [`${file}: The configuration file cannot be read (${reason}): make it a readable file.`],
      { cause },
    );
  }
  const text = decodeText(bytes);
  if (text === undefined) {
    throw new ConfigError([`${file}:1:1: The file is not UTF-8 text: save it as UTF-8.`]);
  }
  return text;
}

async function readServers(
  sections: ReadonlyMap<string, Property>,
  context: EntryContext,
): Promise<{ servers: Map<string, ServerEntry>; disabled: string[] }> {
  const { findings } = context;
  const servers = new Map<string, ServerEntry>();
  const written = new Map<string, { given: string; property: Property }>();
  const disabled = new Set<string>();
  for (const [given, property] of serversOf(sections, findings)) {
    const name = mapServerName(given);
    const entry = await readEntry(name, property, context);
    if (entry === "disabled") {
      disabled.add(name);
      continue;
    }
    const other = written.get(name);
    if (other) {
      findings.error(
        property.key,
        `${quote(given)} and ${quote(other.given)} (${findings.document.at(other.property.key)}) ` +
          `would both be the server ${quote(name)}: rename one of them.`,
      );
      continue;
    }
    written.set(name, { given, property });
    if (name !== given) {
      findings.warn(
        property.key,
        `The server ${quote(given)} is called ${quote(name)} here: a name has 1-64 of ` +
          '"A-Z a-z 0-9 . _ -", no "__", and is not reserved.',
      );
    }
    if (entry) servers.set(name, entry);
  }
  if (!written.has("reviewer") && !disabled.has("reviewer")) {
    servers.set("reviewer", builtinEntry("reviewer"));
  }
  // The same name may be disabled in one section and run in another.
  return { servers, disabled: [...disabled].filter((name) => !servers.has(name)) };
}

/** Every entry of every section that holds servers, in the order of the file. */
function* serversOf(
  sections: ReadonlyMap<string, Property>,
  findings: Findings,
): Generator<[string, Property]> {
  for (const [key, property] of sections) {
    const client = SERVER_MAPS.get(key);
    if (key !== "mcpServers" && client === undefined) continue;
    if (client !== undefined) {
      findings.warn(property.key, `${quote(key)} (${client}) is read as "mcpServers".`);
    }
    if (property.node.type === "object") yield* propertiesOf(property.node);
    else if (property.value !== null) {
      findings.error(
        property.node,
        `${quote(key)} is ${kindOf(property.value)}: it must be an object of servers by name, ` +
          `such as { "docs": { "command": "npx", "args": ["-y", "some-package"] } }.`,
      );
    }
  }
}

function warnOfOtherSections(sections: ReadonlyMap<string, Property>, findings: Findings): void {
  for (const [key, { key: node, value }] of sections) {
    if (["server", "mcpServers", "$schema"].includes(key) || SERVER_MAPS.has(key)) continue;
    const ignored = IGNORED_TOP_LEVEL.get(key);
    const looksLikeServer = value instanceof Map && (value.has("command") || value.has("url"));
    if (ignored) findings.warn(node, `${quote(key)} ${ignored}.`);
    else if (looksLikeServer) {
      findings.warn(
        node,
        `${quote(key)} looks like a server but stands outside of "mcpServers" and is ignored: ` +
          'move it into "mcpServers".',
      );
    } else {
      findings.warn(node, `${quote(key)} is not known and is ignored; check its spelling.`);
    }
  }
}

function overridden(settings: ServerSettings, { host, port }: Override = {}): ServerSettings {
  const result = { ...settings };
  if (host !== undefined) {
    const address = hostOf(host);
    if (typeof address !== "string") {
      throw new ConfigError([`--host is ${quote(host)}: it must be ${address.mustBe}.`]);
    }
    result.host = address;
  }
  if (port !== undefined) {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new ConfigError([`--port is ${port}: it must be a whole number from 0 to 65535.`]);
    }
    result.port = port;
  }
  return result;
}
