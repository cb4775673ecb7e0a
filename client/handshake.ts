/**
 * The beginning of a connection: `initialize`. Source: MCP 2025-11-25, basic/lifecycle.
 *
 * @module
 */

import { isLegacyRevision } from "../protocol/revisions.ts";
import { faultError } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { ServerInfo } from "./transport.ts";

/** What both sides agreed on. */
export interface Agreement {
  /** Revision of the protocol. */
  revision: string;
  serverInfo: ServerInfo;
  /** The whole answer, as it came. */
  result: JsonObject;
}

/**
 * Reads the answer to `initialize`.
 *
 * @param server For messages: name of the server.
 * @throws {AichakuError} `upstream_unavailable` when the server speaks no revision that is known here.
 */
export function readAgreement(result: JsonObject, server: string): Agreement {
  const { protocolVersion: revision, serverInfo } = result;
  if (typeof revision !== "string" || !isLegacyRevision(revision)) {
    throw faultError("rpc", {
      reason: "upstream_unavailable",
      message: `Cannot start server ${JSON.stringify(server)}: its answer to initialize names no ` +
        `protocol revision known here`,
      details: { server, detail: JSON.stringify(revision) },
    });
  }
  const info = isObject(serverInfo) ? serverInfo : {};
  return {
    revision,
    result,
    serverInfo: {
      ...info,
      name: typeof info.name === "string" ? info.name : server,
      version: typeof info.version === "string" ? info.version : "",
    },
  };
}
