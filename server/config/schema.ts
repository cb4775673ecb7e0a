/**
 * What the keys of a configuration may hold, after other clients' keys have been mapped to ours. This
 * is the only place that says so: the names that are known, their types and their ranges. Each
 * schema's error is the phrase that completes "it must be …".
 *
 * Defaults, expansion and everything that needs more than one key belong to their readers.
 *
 * @module
 */

// By its namespace: a bundle leaves out what is not used of it, two thirds.
import * as z from "zod";
import type { EntryCommon, Limits, SharingMode } from "./types.ts";

const text = (form: string) => z.string({ error: form });
const texts = (form: string) => z.array(text(form), { error: form });
const flag = z.boolean({ error: "true or false" });
const port = (() => {
  const error = "a whole number from 0 to 65535";
  return z.int({ error }).min(0, { error }).max(65_535, { error });
})();
const count = (() => {
  const error = "a whole number of at least 1";
  return z.int({ error }).min(1, { error });
})();
/** Read by `parseDuration` once references are expanded; here only the type is checked. */
const duration = z.union([z.string(), z.number()], {
  error: 'a duration such as "30s" or "15m", or a number of milliseconds',
});

/** `server` as it stands in the file. */
export interface ServerInput {
  host?: string;
  port?: number;
  allowedHosts?: string[];
  allowedOrigins?: string[];
  requireToken?: boolean;
  limits?: Partial<Limits>;
  idleTimeout?: string | number;
  projectRoots?: string[];
  tcpPort?: number;
  loginShell?: boolean;
}

/** One entry of `mcpServers`, after mapping. Objects with free keys are Maps. */
export interface EntryInput {
  type?: string;
  command?: string;
  args?: string[];
  env?: Map<string, string | number | boolean | null>;
  envFile?: string;
  cwd?: string;
  url?: string;
  headers?: Map<string, string>;
  builtin?: "reviewer" | "sample";
  disabled?: boolean;
  callTimeout?: string | number;
  startTimeout?: string | number;
  idleTimeout?: string | number;
  sharing?: SharingMode;
  retry?: EntryCommon["retry"];
}

const limitsShape = {
  maxBodyBytes: count.optional(),
  maxServerMessageBytes: count.optional(),
  maxSessions: count.optional(),
  maxCallsPerSession: count.optional(),
  maxQueuedPerSession: count.optional(),
  maxCallsPerServer: count.optional(),
  maxInstancesPerServer: count.optional(),
  maxStreamEvents: count.optional(),
  maxStreamBytes: count.optional(),
} satisfies Record<keyof Limits, z.ZodType>;

const serverShape = {
  host: text('an address to listen on, such as "127.0.0.1"').optional(),
  port: port.optional(),
  allowedHosts: texts('an array of host names, such as ["dev.example.com"]').optional(),
  allowedOrigins: texts('an array of origins, such as ["https://app.example.com"]').optional(),
  requireToken: flag.optional(),
  limits: z.object(limitsShape, { error: "an object" }).optional(),
  idleTimeout: duration.optional(),
  projectRoots: texts('an array of folders, such as ["~/work"]').optional(),
  tcpPort: port.optional(),
  loginShell: flag.optional(),
} satisfies Record<keyof ServerInput, z.ZodType>;

const entryShape = {
  type: text('one of "stdio", "http", "sse", "ws", "builtin"').optional(),
  command: text('a string, the program alone, such as "npx"; its arguments stand in "args"')
    .optional(),
  args: texts('an array of strings, such as ["-y", "some-package"]').optional(),
  env: z.map(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null()], { error: "a string" }),
    { error: 'an object of strings, such as { "NAME": "value" }' },
  ).optional(),
  envFile: text('a path, such as "~/keys.env"').optional(),
  cwd: text('a folder, such as "~/work"').optional(),
  url: text('a URL, such as "https://example.com/mcp"').optional(),
  headers: z.map(z.string(), text("a string"), {
    error: 'an object of strings, such as { "Authorization": "Bearer ${TOKEN}" }',
  }).optional(),
  builtin: z.enum(["reviewer", "sample"], { error: '"reviewer" or "sample"' }).optional(),
  disabled: flag.optional(),
  callTimeout: duration.optional(),
  startTimeout: duration.optional(),
  idleTimeout: duration.optional(),
  sharing: z.enum(["auto", "shared", "serial", "session"], {
    error: '"auto", "shared", "serial" or "session"',
  }).optional(),
  retry: z.enum(["idempotent"], { error: '"idempotent", or left out' }).optional(),
} satisfies Record<keyof EntryInput, z.ZodType>;

/** The schema of {@linkcode ServerInput}. */
export const ServerSchema: z.ZodType<ServerInput> = z.object(serverShape, { error: "an object" });

/** The schema of {@linkcode EntryInput}. */
export const EntrySchema: z.ZodType<EntryInput> = z.object(entryShape, { error: "an object" });

/** Names of the keys of `server`. */
export const SERVER_KEYS: ReadonlySet<string> = new Set(Object.keys(serverShape));

/** Names of the keys of `server.limits`. */
export const LIMIT_KEYS: ReadonlySet<string> = new Set(Object.keys(limitsShape));

/** Names of our own keys of an entry. */
export const ENTRY_KEYS: ReadonlySet<string> = new Set(Object.keys(entryShape));
