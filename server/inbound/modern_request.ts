/**
 * What makes a request a modern one, and whether it is a right one: the revision, the client and what it
 * can do stand in `_meta`, and over HTTP some of the body stands in the headers as well.
 *
 * Source: MCP 2026-07-28, basic/index, "_meta"; basic/transports/streamable-http, "Request Metadata".
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { describe, type RequestMessage } from "../../protocol/message.ts";
import { META, metaOf } from "../../protocol/modern.ts";
import {
  isLegacyRevision,
  isModernRevision,
  SUPPORTED_REVISIONS,
} from "../../protocol/revisions.ts";
import { isLogLevel } from "../exchange/shared_state.ts";
import { readHeaderValue } from "../../protocol/header_value.ts";
import { VERSION_HEADER } from "./version.ts";

/** Parameters whose value stands in `Mcp-Name`. */
const SUBJECTS: Readonly<Record<string, "name" | "uri">> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** What a modern request says of its client. */
export interface ModernIdentity {
  protocolVersion: string;
  clientInfo: unknown;
  capabilities: JsonObject;
}

/**
 * Whether the header of a POST says that it is of the modern era. A revision that nobody knows may be a
 * newer one, whose clients learn from the answer which ones are spoken here.
 */
export function isModernVersion(version: string | null): boolean {
  return version !== null && !isLegacyRevision(version);
}

/**
 * Checks the headers of a modern request against its body.
 *
 * @throws {Fault} `header_mismatch`; `unsupported_version` when only the headers name one.
 */
export function checkModernHeaders(headers: Headers, { method, params }: RequestMessage): void {
  const named = metaOf(params)[META.protocolVersion];
  const version = headers.get(VERSION_HEADER);
  // Without it in the body there is nothing to compare with; what is wrong then is another thing.
  if (named !== undefined) check(headers, { header: "MCP-Protocol-Version", value: named });
  else if (version !== null && !isModernRevision(version)) throw unsupported(version);
  check(headers, { header: "Mcp-Method", value: method });
  const subject = Object.hasOwn(SUBJECTS, method) ? SUBJECTS[method] : undefined;
  const value = subject === undefined ? undefined : params?.[subject];
  if (value !== undefined) check(headers, { header: "Mcp-Name", value, mayBeEncoded: true });
}

/**
 * Reads who makes a modern request.
 *
 * @throws {Fault} `invalid_params` when something that must be there is missing; `unsupported_version`.
 */
export function readModernIdentity({ method, params }: RequestMessage): ModernIdentity {
  const meta = metaOf(params);
  const protocolVersion = meta[META.protocolVersion];
  if (typeof protocolVersion !== "string") throw missing(method, META.protocolVersion, "a string");
  if (!isModernRevision(protocolVersion)) {
    throw unsupported(protocolVersion);
  }
  const capabilities = meta[META.clientCapabilities];
  if (!isObject(capabilities)) throw missing(method, META.clientCapabilities, "an object");
  const level = meta[META.logLevel];
  if (level !== undefined && !isLogLevel(level)) {
    throw new Fault(
      "invalid_params",
      `Unknown log level ${JSON.stringify(level)?.slice(0, 40)} in _meta ${META.logLevel}`,
    );
  }
  return { protocolVersion, clientInfo: meta[META.clientInfo], capabilities };
}

function check(
  headers: Headers,
  { header, value, mayBeEncoded = false }: {
    header: string;
    value: unknown;
    mayBeEncoded?: boolean;
  },
): void {
  const written = headers.get(header);
  if (written === null) throw mismatch(`the header ${header} is missing`);
  const read = mayBeEncoded ? readHeaderValue(written) : written;
  if (read === undefined) throw mismatch(`the header ${header} is not encoded as it must be`);
  if (read !== value) {
    throw mismatch(
      `the header ${header} is ${shown(read)}, and the body says ${shown(value)}`,
    );
  }
}

function unsupported(version: string): Fault {
  const requested = version.slice(0, 40);
  return new Fault(
    "unsupported_version",
    `Unsupported protocol version ${JSON.stringify(requested)}`,
    { extra: { supported: SUPPORTED_REVISIONS, requested } },
  );
}

function mismatch(what: string): Fault {
  return new Fault("header_mismatch", `Header mismatch: ${what}`);
}

function missing(method: string, key: string, what: string): Fault {
  return new Fault(
    "invalid_params",
    `Cannot take ${describe(method)}: its _meta must have ${key}, ${what}`,
    // Over HTTP the status is 400 for this alone.
    { status: 400 },
  );
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? "nothing";
}
