/**
 * The `server` section: where the daemon listens, whom it accepts, and its bounds, with every default
 * filled in. Names and origins come out in the one form that requests are compared with.
 *
 * @module
 */

import { isAbsolute, normalize } from "@std/path";
import { nodeAt, propertiesOf, type Property, quote } from "./document.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { expand, expandPath, type Surroundings } from "./expand.ts";
import type { Findings } from "./findings.ts";
import { LIMIT_KEYS, SERVER_KEYS, type ServerInput, ServerSchema } from "./schema.ts";
import type { Limits, ServerSettings } from "./types.ts";
import { placeOf, toRecord, validate } from "./validate.ts";

/** Bounds that hold when the configuration says nothing. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxServerMessageBytes: 64 * 1024 * 1024,
  maxSessions: 1_000,
  maxCallsPerSession: 64,
  maxQueuedPerSession: 256,
  maxCallsPerServer: 64,
  maxInstancesPerServer: 16,
  maxStreamEvents: 1_024,
  maxStreamBytes: 4 * 1024 * 1024,
};

/** Settings that hold when the configuration says nothing, for a user with this home folder. */
export function defaultSettings(home: string): ServerSettings {
  return {
    host: "127.0.0.1",
    port: 7182,
    tcpPort: undefined,
    allowedHosts: [],
    allowedOrigins: [],
    requireToken: false,
    projectRoots: [home],
    idleTimeoutMs: undefined,
    loginShell: true,
    limits: { ...DEFAULT_LIMITS },
  };
}

/**
 * Reads the section.
 *
 * @param property The section in the file; undefined when there is none.
 * @returns The settings. When there were errors, they are in the findings and the settings must not
 * be used.
 */
export function readSettings(
  property: Property | undefined,
  { findings, env, home }: Surroundings & { findings: Findings },
): ServerSettings {
  const defaults = defaultSettings(home);
  if (!property || property.value === null) return defaults;
  if (property.node.type !== "object") {
    findings.error(property.node, '"server" must be an object, such as { "port": 7182 }.');
    return defaults;
  }
  const keys = propertiesOf(property.node);
  warnOfUnknown(keys, SERVER_KEYS, "server");
  for (const [key, { value }] of keys) if (value === null) keys.delete(key);
  const limits = keys.get("limits");
  if (limits?.node.type === "object") {
    const bounds = propertiesOf(limits.node);
    warnOfUnknown(bounds, LIMIT_KEYS, "server.limits");
    for (const [key, { value }] of bounds) if (value === null) bounds.delete(key);
    keys.set("limits", { ...limits, value: toRecord(bounds) });
  }
  const input = validate(ServerSchema, keys, {
    label: '"server": ',
    node: property.node,
    findings,
    showable: SERVER_KEYS,
  });
  if (!input) return defaults;
  const idleTimeoutMs = readDuration(input);
  return {
    ...defaults,
    ...(input.host === undefined ? {} : { host: readOne("host", input.host, hostOf) }),
    ...(input.port === undefined ? {} : { port: input.port }),
    ...(input.tcpPort === undefined ? {} : { tcpPort: input.tcpPort }),
    ...(input.requireToken === undefined ? {} : { requireToken: input.requireToken }),
    ...(input.loginShell === undefined ? {} : { loginShell: input.loginShell }),
    allowedHosts: readAll("allowedHosts", input.allowedHosts, allowedHostOf),
    allowedOrigins: readAll("allowedOrigins", input.allowedOrigins, allowedOriginOf),
    ...(input.projectRoots === undefined
      ? {}
      : { projectRoots: readAll("projectRoots", input.projectRoots, folderOf) }),
    idleTimeoutMs,
    limits: { ...DEFAULT_LIMITS, ...input.limits },
  };

  function warnOfUnknown(
    properties: ReadonlyMap<string, Property>,
    known: ReadonlySet<string>,
    section: string,
  ): void {
    for (const [key, { key: node }] of properties) {
      if (known.has(key)) continue;
      findings.warn(
        node,
        `"${section}": ${quote(key)} is not known and is ignored; check its spelling.`,
      );
    }
  }

  function readDuration({ idleTimeout }: ServerInput): number | undefined {
    const ms = idleTimeout === undefined ? undefined : parseDuration(idleTimeout);
    if (idleTimeout === undefined || ms !== undefined) return ms;
    const shown = typeof idleTimeout === "string" ? quote(idleTimeout) : idleTimeout;
    findings.error(
      keys.get("idleTimeout")!.node,
      `"server": "idleTimeout" is ${shown}: it must be ${DURATION_FORM}.`,
    );
    return undefined;
  }

  function readAll(
    key: string,
    written: readonly string[] | undefined,
    read: (text: string) => string | Wrong,
  ): string[] {
    return [...new Set(written?.map((text, index) => readOne(key, text, read, index)))];
  }

  function readOne(
    key: string,
    written: string,
    read: (text: string) => string | Wrong,
    index?: number,
  ): string {
    const path = index === undefined ? [key] : [key, index];
    const node = nodeAt(keys.get(key)!.node, path.slice(1));
    const expandText = read === folderOf ? expandPath : expand;
    const { text, troubles, project } = expandText(written, { env, home });
    for (const trouble of troubles) findings.error(node, `"server": ${placeOf(path)}: ${trouble}.`);
    if (project) {
      findings.error(
        node,
        `"server": ${placeOf(path)} depends on the folder of a project, and the daemon has none: ` +
          "write the value itself.",
      );
    }
    if (project || troubles.length > 0) return "";
    const value = read(text);
    if (typeof value === "string") return value;
    findings.error(
      node,
      `"server": ${placeOf(path)} is ${quote(written)}: it must be ${value.mustBe}.`,
    );
    return "";
  }
}

interface Wrong {
  mustBe: string;
}

/** An absolute folder in its shortest form. */
function folderOf(text: string): string | Wrong {
  if (isAbsolute(text)) return normalize(text).replace(/(?<=[^:\\/])[\\/]+$/, "");
  return { mustBe: 'an absolute folder, such as "~/work"' };
}

/** An address to listen on; the brackets that URLs put around IPv6 addresses are dropped. */
export function hostOf(text: string): string | Wrong {
  const host = text.replace(/^\[(.*)\]$/, "$1");
  if (/^[A-Za-z0-9._-]+$/.test(host) || /^[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?$/.test(host)) {
    return host;
  }
  return { mustBe: 'an address or name alone, without scheme and port, such as "127.0.0.1"' };
}

function allowedHostOf(text: string): string | Wrong {
  const wrong = {
    mustBe:
      'a whole host name without scheme, port and path, such as "dev.example.com"; there are no wildcards',
  };
  if (/[/\\@?#*\s]/.test(text)) return wrong;
  const url = URL.parse(`http://${text}`);
  // A port would never be compared, and saying it would promise more than is kept.
  return url && !/:\d*$/.test(text.replace(/\[.*\]/, "")) ? url.hostname : wrong;
}

function allowedOriginOf(text: string): string | Wrong {
  const wrong = {
    mustBe: "an origin, scheme://host or scheme://host:port without a path, such as " +
      '"https://app.example.com"; there are no wildcards',
  };
  const url = URL.parse(text);
  if (
    !url || url.host === "" || text.includes("*") || url.username !== "" || url.password !== "" ||
    !["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== ""
  ) {
    return wrong;
  }
  return `${url.protocol}//${url.host}`;
}
