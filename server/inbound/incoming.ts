/**
 * One text of a client's: a message, or, where the revision has them, a batch of messages. Only MCP
 * 2025-03-26 has batches ("MUST support receiving JSON-RPC batches", basic, "Batching"); later revisions
 * took them out again.
 *
 * @module
 */

import {
  type Message,
  MessageFault,
  parseMessage,
  parseMessageJson,
  readMessage,
} from "../../protocol/message.ts";
import type { Session } from "../exchange/session.ts";

/** Most messages of a batch. A session has no more calls than that in flight and queued by default. */
const MAX_BATCH = 256;

/** What stands in a batch: messages, and what was meant to be one. */
export type Batch = readonly (Message | MessageFault)[];

/** A text that was read. */
export type Incoming = Message | { kind: "batch"; batch: Batch };

/**
 * Reads a text. Whether its sender may send batches is for {@linkcode checkBatch}.
 *
 * @throws {MessageFault} when it is neither a message nor a batch.
 */
export function parseIncoming(text: string): Incoming {
  // Almost none is: looked at before it is parsed, so that a message is read as always.
  return /^[\s\ufeff]*\[/.test(text)
    ? { kind: "batch", batch: parseBatch(text) }
    : parseMessage(text);
}

/**
 * Checks that a session may send batches.
 *
 * @throws {MessageFault} `invalid_request` when its revision has none.
 */
export function checkBatch(session: Pick<Session, "protocolVersion"> | undefined): void {
  if (session?.protocolVersion === "2025-03-26") return;
  const why = session?.protocolVersion === undefined
    ? "send initialize first, as a message of its own"
    : `this session negotiated ${session.protocolVersion}`;
  throw new MessageFault(
    "invalid_request",
    `Cannot take a batch: only protocol revision 2025-03-26 has JSON-RPC batches, and ${why}; send ` +
      `one message at a time`,
  );
}

function parseBatch(text: string): Batch {
  const values = parseMessageJson(text) as unknown[];
  if (values.length === 0) {
    throw new MessageFault("invalid_request", "Cannot take the batch: it is empty");
  }
  if (values.length > MAX_BATCH) {
    throw new MessageFault(
      "invalid_request",
      `Cannot take a batch of ${values.length} messages: ${MAX_BATCH} is the most; send smaller ones`,
    );
  }
  return values.map(readItem);
}

function readItem(value: unknown): Message | MessageFault {
  try {
    const message = readMessage(value);
    if (message.kind !== "request" || message.method !== "initialize") return message;
    // MCP 2025-03-26, basic/lifecycle, "Initialization".
    return new MessageFault(
      "invalid_request",
      "Cannot initialize in a batch: initialize is a message of its own",
      message.id,
    );
  } catch (error) {
    if (error instanceof MessageFault) return error;
    throw error;
  }
}
