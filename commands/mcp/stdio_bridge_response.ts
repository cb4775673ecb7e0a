/**
 * What comes back over HTTP on the stdio bridge's legacy side: the one answer in a response, and the
 * messages of a stream, each as one line.
 *
 * Guarantees: what comes on the stream of a response before its answer is passed on first, in its order;
 * a response that ends without the answer is an error.
 *
 * @module
 */

import { parseMessage } from "../../protocol/message.ts";
import { type HttpWire, isEventStream } from "../../client/http_wire.ts";
import { readServerSentEvents } from "../../client/sse.ts";

/** The request that a response is for. */
export interface Answered {
  /** What it was sent over. */
  wire: HttpWire;
  /** JSON text of its id. */
  id: string;
  method: string;
  signal: AbortSignal;
  /** Takes what comes before its answer, as one line. */
  onOther(line: string): void;
}

/** The answer in a response, as one line. @throws {AichakuError} when it breaks off, or has none. */
export async function readAnswer(
  response: Response,
  { wire, id, method, signal, onOther }: Answered,
): Promise<string> {
  try {
    if (!isEventStream(response)) return oneLine(await response.text());
    for await (const text of messagesOf(response)) {
      const message = parseMessage(text);
      if (message.kind === "response" && message.id === id) return oneLine(text);
      onOther(oneLine(text));
    }
  } catch (error) {
    throw wire.lost(error, { method, signal });
  }
  throw wire.lost(undefined, { method, signal });
}

/** The messages on a stream of the daemon's, as they were written. */
export async function* messagesOf(response: Response): AsyncGenerator<string> {
  for await (const { type, data } of readServerSentEvents(response.body!)) {
    if (type === "message" && data !== "") yield data;
  }
}

/** A message as one line: JSON has line ends only between its tokens. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ").trim();
}
