/**
 * Writing Server-Sent Events. Source: WHATWG HTML, "Server-sent events". Reading them: `sse_parser.ts`.
 *
 * @module
 */

/** One event. */
export interface ServerSentEvent {
  /** Name; without one the client sees `message`. */
  event?: string;
  /** Id that `Last-Event-ID` will name. */
  id?: string;
  data: string;
}

/** A comment line: keeps proxies and clients from closing a silent stream. */
export const SSE_KEEP_ALIVE = ": keep-alive\n\n";

/** The event as it goes over the wire. A line end in `data` starts another data line. */
export function sseText({ event, id, data }: ServerSentEvent): string {
  const head = (event === undefined ? "" : `event: ${event}\n`) +
    (id === undefined ? "" : `id: ${id}\n`);
  if (!data.includes("\n") && !data.includes("\r")) return `${head}data: ${data}\n\n`;
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("");
  return `${head}${lines}\n`;
}
