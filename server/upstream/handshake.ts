/**
 * The beginning of a legacy connection: `initialize`, once per process. Source: MCP 2025-11-25,
 * basic/lifecycle.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { notificationText, requestText } from "../../protocol/message.ts";
import { isLegacyRevision, LATEST_LEGACY_REVISION } from "../../protocol/revisions.ts";

/** What a server says of itself. Unknown fields are kept: they are the client's business. */
export interface InitializeResult extends JsonObject {
  protocolVersion: string;
  capabilities: JsonObject;
  serverInfo: JsonObject;
}

/** What the daemon says of itself to a server. */
export interface Introduction {
  /** This program's version. */
  version: string;
  /** What the clients behind it can do. */
  capabilities: JsonObject;
}

/** The `initialize` request of the daemon. @param id The minted id. */
export function initializeText(id: number, { version, capabilities }: Introduction): string {
  return requestText(String(id), "initialize", {
    protocolVersion: LATEST_LEGACY_REVISION,
    capabilities,
    clientInfo: { name: "aichaku", version },
  });
}

/** What follows a successful `initialize`. */
export const INITIALIZED_TEXT = notificationText("notifications/initialized");

/**
 * Reads the answer to `initialize`.
 *
 * @throws {Fault} `upstream_unavailable` when the server refused, or speaks a revision that is not
 * known here.
 */
export function readInitializeAnswer(answer: JsonObject, server: string): InitializeResult {
  const { result, error } = answer;
  if (error !== undefined) {
    throw new Fault(
      "upstream_unavailable",
      `Cannot start server ${JSON.stringify(server)}: it refused to initialize`,
      { server, detail: JSON.stringify(error) },
    );
  }
  if (
    !isObject(result) || typeof result.protocolVersion !== "string" ||
    !isLegacyRevision(result.protocolVersion)
  ) {
    throw new Fault(
      "upstream_unavailable",
      `Cannot start server ${JSON.stringify(server)}: its answer to initialize names no protocol ` +
        `revision known here`,
      { server, detail: JSON.stringify(isObject(result) ? result.protocolVersion : result) },
    );
  }
  return {
    ...result,
    protocolVersion: result.protocolVersion,
    capabilities: isObject(result.capabilities) ? result.capabilities : {},
    serverInfo: isObject(result.serverInfo) ? result.serverInfo : { name: server, version: "" },
  };
}
