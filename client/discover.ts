/**
 * Which era a server speaks. A server that answers `server/discover` is modern, and says what it is; one
 * that names the revisions it speaks is taken at its word; any other is a legacy one.
 *
 * Source: MCP 2026-07-28, basic/versioning; basic/transports/stdio and .../streamable-http, "Backward
 * Compatibility".
 *
 * @module
 */

import { META, metaOf } from "../protocol/modern.ts";
import { isLegacyRevision, LATEST_MODERN_REVISION } from "../protocol/revisions.ts";
import { AichakuError, excerpt, faultError } from "./errors.ts";
import { HttpRefusal } from "./http_wire.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { ServerInfo } from "./transport.ts";

/** The headers say something else than the body, or not enough. */
export const HEADER_MISMATCH = -32020;
/** The client did not declare what the request needs. */
export const MISSING_CAPABILITY = -32021;
/** The revision is not spoken here. */
export const UNSUPPORTED_VERSION = -32022;

/** What a modern server says of itself. */
export interface Discovery {
  serverInfo: ServerInfo;
  capabilities: JsonObject;
  /** The same in the shape of an answer to `initialize`. */
  initializeResult: JsonObject;
}

/** What came out. */
export type Verdict =
  | { era: "modern"; discovery: Discovery }
  /** With the revision to ask for, where the server named some. */
  | { era: "legacy"; revision?: string };

/**
 * Finds out.
 *
 * @param ask Sends `server/discover` in the latest modern revision, and gives its result.
 * @param server For messages: name of the server.
 * @throws {AichakuError} `upstream_unavailable` when it speaks no revision known here; what `ask` throws
 * when it says nothing about the era.
 */
export async function discover(
  ask: () => Promise<JsonObject>,
  server: string,
): Promise<Verdict> {
  for (let attempt = 1;; attempt++) {
    try {
      const result = await ask();
      const { supportedVersions } = result;
      if (!Array.isArray(supportedVersions)) return { era: "legacy" };
      if (supportedVersions.includes(LATEST_MODERN_REVISION)) {
        return { era: "modern", discovery: readDiscovery(result, server) };
      }
      return chosen(supportedVersions, server);
    } catch (error) {
      const supported = supportedBy(error);
      if (supported === undefined) {
        if (isLegacyAnswer(error)) return { era: "legacy" };
        throw error;
      }
      // It named the revision that was asked for: once more, as it says.
      if (supported.includes(LATEST_MODERN_REVISION) && attempt === 1) continue;
      return chosen(supported, server);
    }
  }
}

/** A server that knows of eras, but not of ours: what it names is all there is. */
function chosen(supported: readonly unknown[], server: string): Verdict {
  const revision = supported.find((version) =>
    typeof version === "string" && isLegacyRevision(version)
  );
  if (typeof revision === "string") return { era: "legacy", revision };
  throw faultError("rpc", {
    reason: "upstream_unavailable",
    message: `Cannot use server ${JSON.stringify(server)}: it speaks no protocol revision known ` +
      `here, only ${excerpt(supported)}; update this program`,
    details: { server, detail: JSON.stringify(supported) },
  });
}

/** The revisions that an error names; undefined when it is not about them. */
function supportedBy(error: unknown): readonly unknown[] | undefined {
  if (!(error instanceof AichakuError) || error.code !== UNSUPPORTED_VERSION) return undefined;
  const { supported } = isObject(error.data) ? error.data : {};
  return Array.isArray(supported) ? supported : undefined;
}

/** Of the daemon: the server could not even be asked. */
const NOT_ASKED: ReadonlySet<string | undefined> = new Set([
  "upstream_exited",
  "upstream_unavailable",
  "upstream_timeout",
  "upstream_invalid",
  "overloaded",
  "draining",
  "isolation_required",
  "not_permitted",
]);
/** HTTP: who asks, or how often, not what is asked. */
const NOT_ABOUT_REQUEST: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 425, 429]);

/** Whether a failure is what a legacy server makes of a question that it does not know. */
function isLegacyAnswer(error: unknown): boolean {
  if (!(error instanceof AichakuError)) return false;
  if (error instanceof HttpRefusal) {
    return error.status >= 400 && error.status < 500 && !NOT_ABOUT_REQUEST.has(error.status);
  }
  // Not one code alone: legacy servers answer what they like. A modern one that objects to what stands
  // around the question is modern all the same.
  return error.kind === "rpc" && !NOT_ASKED.has(error.reason) &&
    error.code !== HEADER_MISMATCH && error.code !== MISSING_CAPABILITY;
}

function readDiscovery(result: JsonObject, server: string): Discovery {
  const { [META.serverInfo]: said } = metaOf(result);
  const info = isObject(said) ? said : {};
  const serverInfo = {
    ...info,
    name: typeof info.name === "string" ? info.name : server,
    version: typeof info.version === "string" ? info.version : "",
  };
  const capabilities = isObject(result.capabilities) ? result.capabilities : {};
  const { instructions } = result;
  return {
    serverInfo,
    capabilities,
    initializeResult: {
      protocolVersion: LATEST_MODERN_REVISION,
      capabilities,
      serverInfo,
      ...(typeof instructions === "string" ? { instructions } : {}),
    },
  };
}
