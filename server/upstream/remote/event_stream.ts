/**
 * The body of a response: events as they come, or one text, both within bounds.
 *
 * @module
 */

import { SseParser, type SseParserOptions } from "../../../protocol/sse_parser.ts";

/** How a stream ended. */
export type StreamEnd = "ended" | "broken";

/** Tells the events of a response until it ends or breaks; a signal that is aborted breaks it. */
export async function readEventStream(
  response: Response,
  options: SseParserOptions,
): Promise<StreamEnd> {
  const parser = new SseParser(options);
  const reader = response.body?.getReader();
  if (reader === undefined) return "ended";
  while (true) {
    let next: ReadableStreamReadResult<Uint8Array>;
    try {
      next = await reader.read();
    } catch {
      // Cut off, or aborted by us: why makes no difference to what was read.
      return "broken";
    }
    if (next.done) return "ended";
    parser.push(next.value);
  }
}

/** A body as text, or why there is none. */
export type BodyText = { text: string } | { text: undefined; why: "too long" | "broken" };

/** The whole body as text of at most `maxLength` characters. */
export async function readText(response: Response, maxLength: number): Promise<BodyText> {
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    let next: ReadableStreamReadResult<Uint8Array>;
    try {
      next = await reader.read();
    } catch {
      return { text: undefined, why: "broken" };
    }
    const piece = decoder.decode(next.value, { stream: !next.done });
    pieces.push(piece);
    length += piece.length;
    if (length > maxLength) {
      // Rejects only when it breaks now, and nobody wants the rest.
      reader.cancel().catch(() => {});
      return { text: undefined, why: "too long" };
    }
    if (next.done) break;
  }
  return { text: pieces.join("") };
}
