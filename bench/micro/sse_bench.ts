/**
 * Server-Sent Events: writing one, and reading sixteen that come in chunks.
 *
 * @module
 */

import { sseText } from "../../protocol/sse.ts";
import { SseParser } from "../../protocol/sse_parser.ts";
import { chunksOf, SAMPLES } from "./sample.ts";

const EVENTS = 16;
const encoder = new TextEncoder();

for (const { name, answer } of SAMPLES) {
  const event = { id: "p.1.2.3", data: answer };
  const chunks = chunksOf(sseText(event).repeat(EVENTS), 64 * 1024);
  const group = `event stream, ${name}`;
  Deno.bench("sseText", { group, baseline: true }, () => {
    sseText(event);
  });
  Deno.bench("sseText, and its bytes", { group }, () => {
    encoder.encode(sseText(event));
  });
  Deno.bench(`SseParser, ${EVENTS} events`, { group }, () => {
    let events = 0;
    const parser = new SseParser({
      maxLength: 64 * 1024 * 1024,
      onEvent: () => events++,
      onOversize: () => events = -1,
    });
    for (const chunk of chunks) parser.push(chunk);
    if (events !== EVENTS) throw new Error(`SseParser read ${events} events of ${EVENTS}`);
  });
}
