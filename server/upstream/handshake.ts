/**
 * The beginning of a connection: which era the server speaks, and what it is and can do. A server that
 * answers `server/discover` is modern; any other is asked to `initialize`, as all were before.
 *
 * One state machine without a clock and without a connection: it is told what came and says what to send.
 *
 * Source: MCP 2026-07-28, basic/transports/stdio, "Backward Compatibility"; MCP 2025-11-25,
 * basic/lifecycle.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { notificationText } from "../../protocol/message.ts";
import { META, metaOf, modernMeta } from "../../protocol/modern.ts";
import {
  isLegacyRevision,
  isModernRevision,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
} from "../../protocol/revisions.ts";

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

/**
 * What is known of a server's era from before. `silent`: a legacy one that ends at anything before
 * `initialize`, so that it must not be probed.
 */
export type KnownEra = "modern" | "legacy" | "silent";

/** A request of the handshake. */
export interface HandshakeRequest {
  method: "server/discover" | "initialize";
  params: JsonObject;
}

/** What follows an answer. */
export type HandshakeStep =
  | { send: HandshakeRequest }
  | { done: InitializeResult; era: KnownEra; notify?: string };

/** What follows a successful `initialize`. */
const INITIALIZED_TEXT = notificationText("notifications/initialized");

/** Longest reason of a server's that is repeated in a message, in characters; `detail` has all of it. */
const MAX_WHY = 300;

/** MCP 2026-07-28, `UnsupportedProtocolVersionError`. */
const UNSUPPORTED_VERSION = -32022;

/** One handshake with one process or connection. */
export class Handshake {
  readonly #server: string;
  readonly #introduction: Introduction;
  #known: KnownEra | undefined;
  #asked: HandshakeRequest["method"] | undefined;

  constructor(
    server: string,
    { known, ...introduction }: Introduction & { known: KnownEra | undefined },
  ) {
    this.#server = server;
    this.#introduction = introduction;
    this.#known = known;
  }

  /** Whether it is being found out which era the server speaks; an end now may be its answer. */
  get isProbing(): boolean {
    return this.#asked === "server/discover";
  }

  /** What to send first. */
  begin(): HandshakeRequest {
    return this.#known === "legacy" || this.#known === "silent"
      ? this.#initialize()
      : this.#discover();
  }

  /** The server did not answer the probe in time: a legacy one may do so. */
  onSilence(): HandshakeRequest {
    return this.#initialize();
  }

  /**
   * Takes the answer to one of its requests: an object with `result` or `error`. A slow modern server
   * may answer the probe after all, when it has been taken for a legacy one.
   *
   * @returns what follows; undefined when nothing does.
   * @throws {Fault} `upstream_unavailable` when the server refused, or speaks no revision known here.
   */
  onAnswer(
    method: HandshakeRequest["method"],
    { result, error }: JsonObject,
  ): HandshakeStep | undefined {
    if (method === "initialize") return this.#onInitialized(result, error);
    if (this.isProbing || isDiscoverResult(result)) return this.#onDiscovered(result, error);
    return undefined;
  }

  #discover(): HandshakeRequest {
    this.#asked = "server/discover";
    const { version } = this.#introduction;
    return {
      method: this.#asked,
      params: {
        _meta: modernMeta({
          protocolVersion: LATEST_MODERN_REVISION,
          clientInfo: { name: "aichaku", version },
          capabilities: {},
        }),
      },
    };
  }

  #initialize(protocolVersion: string = LATEST_LEGACY_REVISION): HandshakeRequest {
    this.#asked = "initialize";
    const { version, capabilities } = this.#introduction;
    return {
      method: this.#asked,
      params: { protocolVersion, capabilities, clientInfo: { name: "aichaku", version } },
    };
  }

  #onDiscovered(result: unknown, error: unknown): HandshakeStep {
    if (isDiscoverResult(result)) {
      if (result.supportedVersions.includes(LATEST_MODERN_REVISION)) {
        return { done: this.#discovered(result), era: "modern" };
      }
      return this.#choose(result.supportedVersions);
    }
    if (isObject(error) && error.code === UNSUPPORTED_VERSION && isObject(error.data)) {
      return this.#choose(error.data.supported);
    }
    return { send: this.#initialize() };
  }

  /** A server that knows of eras, but not of ours: what it names is all there is. */
  #choose(supported: unknown): HandshakeStep {
    const legacy = (Array.isArray(supported) ? supported : []).find((version) =>
      typeof version === "string" && isLegacyRevision(version)
    );
    if (legacy !== undefined) return { send: this.#initialize(legacy) };
    throw this.#refused("it speaks no protocol revision known here", JSON.stringify(supported));
  }

  #discovered(result: JsonObject): InitializeResult {
    const { capabilities, instructions } = result;
    const { [META.serverInfo]: serverInfo } = metaOf(result);
    return {
      protocolVersion: LATEST_MODERN_REVISION,
      capabilities: isObject(capabilities) ? capabilities : {},
      serverInfo: isObject(serverInfo) ? serverInfo : { name: this.#server, version: "" },
      ...(typeof instructions === "string" ? { instructions } : {}),
    };
  }

  #onInitialized(result: unknown, error: unknown): HandshakeStep {
    if (error !== undefined) {
      // It was modern before, or never was probed: what is remembered may be wrong by now.
      if (this.#known === "legacy") {
        this.#known = undefined;
        return { send: this.#discover() };
      }
      // Clients show the message of an error and nothing else of it: why must be there.
      const why = isObject(error) && typeof error.message === "string" && error.message !== ""
        ? `: ${error.message.slice(0, MAX_WHY)}`
        : "";
      throw this.#refused(`it refused to initialize${why}`, JSON.stringify(error));
    }
    if (
      !isObject(result) || typeof result.protocolVersion !== "string" ||
      !isLegacyRevision(result.protocolVersion)
    ) {
      throw this.#refused(
        "its answer to initialize names no protocol revision known here",
        JSON.stringify(isObject(result) ? result.protocolVersion : result),
      );
    }
    return {
      done: {
        ...result,
        protocolVersion: result.protocolVersion,
        capabilities: isObject(result.capabilities) ? result.capabilities : {},
        serverInfo: isObject(result.serverInfo)
          ? result.serverInfo
          : { name: this.#server, version: "" },
      },
      era: this.#known === "silent" ? "silent" : "legacy",
      notify: INITIALIZED_TEXT,
    };
  }

  #refused(why: string, detail: string | undefined): Fault {
    return new Fault(
      "upstream_unavailable",
      `Cannot start server ${JSON.stringify(this.#server)}: ${why}`,
      { server: this.#server, detail },
    );
  }
}

function isDiscoverResult(
  result: unknown,
): result is JsonObject & { supportedVersions: unknown[] } {
  return isObject(result) && Array.isArray(result.supportedVersions);
}

/** Whether a server that introduced itself so is modern. */
export function isModern({ protocolVersion }: InitializeResult): boolean {
  return isModernRevision(protocolVersion);
}
