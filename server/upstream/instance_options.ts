/**
 * What an instance is made with, and what it tells those who share it.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { NotificationMessage } from "../../protocol/message.ts";
import type { Logger } from "../daemon/log.ts";
import type { UpstreamCall } from "./call.ts";
import type { ServerRequest } from "./conversation.ts";
import type { KnownEra } from "./handshake.ts";
import type { Instance } from "./instance.ts";
import type { OpenWire } from "./wire.ts";

/** What an instance tells those who share it. */
export interface InstanceListener {
  /** The server is initialized, for the first time or after a restart. */
  onReady(instance: Instance): void;
  /** A notification other than progress, with the text it came in. */
  onNotification(instance: Instance, message: NotificationMessage, text: string): void;
  /** Something the server asks; `request.respond` is to be called once. */
  onRequest(instance: Instance, request: ServerRequest): void;
  /**
   * The process is gone, and whatever it knew. `crashed`: not because nobody used it, or because it was
   * told to.
   */
  onGone(instance: Instance, gone: { crashed: boolean }): void;
  /** Whether a call may be made again that a process took with it before it said anything. */
  mayRepeat(call: UpstreamCall): boolean;
  /** Whether somebody needs the server to run although nobody calls it: a subscription. */
  isNeeded(): boolean;
}

/** Options of {@linkcode Instance}. */
export interface InstanceOptions {
  /** Name of the server. */
  name: string;
  open: OpenWire;
  listener: InstanceListener;
  clock: Clock;
  /** Random numbers in [0, 1). */
  random: () => number;
  log: Logger;
  /** Resolves when what the server is started with is known. Default at once. */
  prepare?: () => Promise<void>;
  /** This program's version, told to the server. */
  version: string;
  /** What the clients behind this instance can do, told to a legacy server. */
  capabilities: JsonObject;
  /** What is known of the server's era from before. Default nothing. */
  knownEra?: () => KnownEra | undefined;
  /** Told when that turned out. */
  onEra?: (era: KnownEra) => void;
  /** Milliseconds for starting, `initialize` included. */
  startTimeoutMs: number;
  /** Milliseconds a call may be silent: no answer, no progress. */
  callTimeoutMs: number;
  /** Milliseconds without use after which the process is ended; undefined: never. */
  idleTimeoutMs: number | undefined;
  /** Calls in flight at once. */
  maxCalls: number;
  /** Calls in flight at once for one owner. */
  maxCallsPerOwner: number;
  /** Most that calls may weigh that wait for their turn; see `weightOf`. */
  maxQueued: number;
}
