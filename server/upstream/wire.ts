/**
 * The seam between an instance and the way its server is reached: lines of JSON-RPC go in and out, and
 * the connection ends once. A wire knows nothing of calls, sessions or ids.
 *
 * @module
 */

import type { Fault } from "../../protocol/errors.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";

/** How a connection ended. */
export interface WireEnd {
  /** For a person: `exited with code 1`, `was killed by SIGKILL`. */
  how: string;
  /** The last lines the server wrote to stderr, newest last; empty when there are none. */
  stderr: string;
  /**
   * Ids of calls that were certainly not executed, because a remote server had forgotten the connection
   * when they came: they are given to the next connection. Default none.
   */
  notExecuted?: readonly number[];
}

/** What a wire tells its instance. Nothing comes after `onEnd`. */
export interface WireEvents {
  /** One line from the server, without its line end. */
  onLine(line: string): void;
  /** The server wrote a line longer than the limit; it was dropped. */
  onOversizeLine(ends: LineEnds): void;
  /**
   * The call that was sent under `id` will get no answer, while the connection goes on: a remote server
   * refused or dropped this one message. `fault.retryable` says that it was certainly not executed.
   */
  onLost(id: number, fault: Fault): void;
  /** There is {@linkcode Wire.room} again, after there was none. */
  onRoom(): void;
  /** The connection ended, for whatever reason; called exactly once, also after `close`. */
  onEnd(end: WireEnd): void;
}

/** An open connection to a server. */
export interface Wire {
  /** Process id, where there is a process. */
  readonly pid: number | undefined;
  /** Whether the server still takes messages. Once false it stays so, and `onEnd` follows. */
  readonly writable: boolean;
  /** Bytes accepted by `send` that the server has not taken yet. */
  readonly owed: number;
  /**
   * Characters that may still be added to what waits for the server before calls have to wait for it
   * instead: zero or less means until `onRoom`. While it is more than zero, `send` takes any message.
   */
  readonly room: number;
  /**
   * Queues one message, without a line end. Without room it still takes as much again, for what cannot
   * wait: cancellations, answers to what the server asked.
   *
   * @returns false when the server owes too much reading already, or is not writable any more: the
   * message was not queued.
   */
  send(text: string): boolean;
  /**
   * The handshake is over, and this revision is in force: for wires whose messages carry it beside them.
   */
  agreed?(protocolVersion: string): void;
  /**
   * Whether arguments of tools may have to stand beside the messages: then the list of tools must have
   * come this way before a tool is called. Default false.
   */
  readonly mirrorsArguments?: boolean;
  /** What the server wrote to stderr until now, its last lines as in {@linkcode WireEnd}. Default none. */
  readonly lastWords?: string;
  /** Ends the connection: politely, then by force. Resolves when it has ended. */
  close(grace: CloseGrace): Promise<void>;
}

/** How long a server may take to end. Milliseconds. */
export interface CloseGrace {
  /** From the end of its input to SIGTERM. */
  eofMs: number;
  /** From SIGTERM to SIGKILL. */
  termMs: number;
}

/** For a server that is stopped in its own time. */
export const UNHURRIED: CloseGrace = { eofMs: 2000, termMs: 2000 };
/** For a restart, when clients are waiting. */
export const HURRIED: CloseGrace = { eofMs: 300, termMs: 300 };

/**
 * Opens a connection.
 *
 * @throws {Fault} `upstream_unavailable` when that is impossible (the command does not exist).
 */
export type OpenWire = (events: WireEvents) => Wire;
