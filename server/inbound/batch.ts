/**
 * Giving the messages of a batch to the exchange. Each request is a call like any other; what could not
 * be read is answered in its place.
 *
 * @module
 */

import { asFault } from "../../protocol/errors.ts";
import { MessageFault } from "../../protocol/message.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Session } from "../exchange/session.ts";
import type { Batch } from "./incoming.ts";

/** Where the answers of a batch go. */
export interface BatchReply {
  /** One answer. @param id JSON text of the id it answers. */
  answer(text: string, id: string): void;
  /** A message before an answer; see `Reply`. */
  notify(text: string): boolean;
}

/** How many answers a batch will have: requests, and what is no message. */
export function answersOf(batch: Batch): number {
  return batch.filter((item) => item instanceof MessageFault || item.kind === "request").length;
}

/**
 * Submits a batch. `reply.answer` is called {@linkcode answersOf} times, perhaps before this returns.
 *
 * @throws {Fault} when the batch has no answers, and one of its messages is refused.
 */
export function submitBatch(
  exchange: Exchange,
  { session, batch, reply }: { session: Session; batch: Batch; reply: BatchReply },
): void {
  const answered = answersOf(batch) > 0;
  for (const item of batch) {
    if (item instanceof MessageFault) {
      reply.answer(item.toResponseText(item.id), item.id);
    } else if (item.kind === "request") {
      const { id } = item;
      try {
        exchange.request(session, item, {
          answer: (text) => reply.answer(text, id),
          notify: (text) => reply.notify(text),
        });
      } catch (error) {
        reply.answer(asFault(error).toResponseText(id), id);
      }
    } else {
      try {
        exchange.notification(session, item);
      } catch (error) {
        // Nobody asked for an answer to it, and the others have theirs.
        if (!answered) throw error;
      }
    }
  }
}
