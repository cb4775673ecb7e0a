/**
 * The stream for what a Streamable HTTP server says outside of calls, for as long as the connection
 * lives. Source: MCP 2025-11-25, basic/transports, "Listening for Messages from the Server".
 *
 * A stream that ends is asked for again, after the time that the server names or a growing one, from the
 * last event on where events have ids. A server that offers none is left alone.
 *
 * @module
 */

import type { Clock } from "../../../platform/clock.ts";
import { pause } from "../../../platform/pause.ts";
import type { SseParserOptions } from "../../../protocol/sse_parser.ts";
import type { Logger } from "../../daemon/log.ts";
import { isEventStream, NoResponse } from "./endpoint.ts";
import { readEventStream } from "./event_stream.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import { readRefusal, type Refusal } from "./refusal.ts";

/** Options of {@linkcode listen}. */
export interface ListenOptions {
  /** Name of the server, for the log. */
  server: string;
  clock: Clock;
  /** Random numbers in [0, 1). */
  random: () => number;
  log: Logger;
  /** Ends the listening. */
  signal: AbortSignal;
  /** Asks for the stream, from the event after `lastEventId` on. */
  open(lastEventId: string): Promise<Response>;
  /** Whether this answer says that the server knows the session no more. */
  isForgotten(refusal: Refusal): boolean;
  /** Takes the events. */
  parser: Pick<SseParserOptions, "maxLength" | "onEvent" | "onOversize">;
}

const BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000 };
/** Milliseconds after which a stream without events has been of use nevertheless. */
const STABLE_MS = 10_000;

/**
 * Listens until the server has forgotten the session, or offers no stream.
 *
 * @throws the signal's reason.
 */
export async function listen(options: ListenOptions): Promise<"forgotten" | "none"> {
  const { clock, random, signal, parser, log, server } = options;
  let lastEventId = "";
  let retryMs: number | undefined;
  for (let failures = 0;;) {
    const response = await tryToOpen(options, lastEventId);
    if (response?.ok && isEventStream(response)) {
      const since = clock.now();
      let events = 0;
      await readEventStream(response, {
        ...parser,
        onEvent: (event) => {
          events++;
          parser.onEvent(event);
        },
        onId: (id) => lastEventId = id,
        onRetry: (ms) => retryMs = ms,
      });
      signal.throwIfAborted();
      if (events > 0 || clock.now() - since >= STABLE_MS) failures = 0;
    } else if (response !== undefined) {
      const refusal = await readRefusal(response, "GET");
      if (options.isForgotten(refusal)) return "forgotten";
      const { status } = refusal;
      if (status !== 429 && status < 500) {
        log.debug("server offers no stream for what it says outside of calls", { server, status });
        return "none";
      }
    }
    failures++;
    const wait = backoffMs(BACKOFF, failures, random);
    await pause(
      clock,
      retryMs === undefined ? wait : Math.max(retryMs, failures > 1 ? wait : 0),
      signal,
    );
  }
}

async function tryToOpen(
  { open, signal }: ListenOptions,
  lastEventId: string,
): Promise<Response | undefined> {
  try {
    return await open(lastEventId);
  } catch (error) {
    signal.throwIfAborted();
    // Down, perhaps restarting: asked again.
    if (error instanceof NoResponse) return undefined;
    throw error;
  }
}
