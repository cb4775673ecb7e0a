/**
 * Waiting that does not keep the process alive: what a server may say some day is no reason for a
 * program not to end. `fetch` has no such thing; the socket below `node:http` does, on Node, on Bun and on
 * Deno since 2.7.14. (Before, `node:http` on Deno reads the body past its socket, and what breaks there ends
 * the process: `fetch` is used there, whose response does keep the process alive.)
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import { setTimeout as nodeTimeout } from "node:timers";

import { isDenoBefore } from "../platform/runtime.ts";
import { loopbackFetch } from "./loopback_fetch.ts";
import { onAbort } from "./on_abort.ts";

/** Options of {@linkcode quietFetch}. */
export interface QuietOptions {
  headers: Record<string, string>;
  /** Also breaks the body off. */
  signal: AbortSignal;
  /** With one it is a POST, else a GET. */
  body?: string;
}

/**
 * Asks, and gives the response as soon as its headers are there. No redirect is followed, no proxy used.
 *
 * @param url Of the scheme `http:`.
 * @throws what `node:http` says, or the signal's reason.
 */
export async function quietFetch(
  url: string,
  { headers, signal, body }: QuietOptions,
): Promise<Response> {
  if (isDenoBefore([2, 7, 14])) {
    return await loopbackFetch(url)(url, {
      method: body === undefined ? "GET" : "POST",
      headers,
      signal,
      body,
      redirect: "manual",
    });
  }
  // Loaded only here: it costs milliseconds that a single call need not pay.
  const { request: ask } = await import("node:http");
  return await new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    // An agent of its own: this connection is not for others, and closes with the stream.
    const request = ask(url, { agent: false, method, headers }, (response) => {
      const type = response.headers["content-type"];
      const init = { status: response.statusCode, headers: type && { "content-type": type } };
      // A response without a body may not have one, not even an empty stream.
      const stream = init.status === 204 ? response.resume() && null : bodyOf(response, stop);
      resolve(new Response(stream, init as ResponseInit));
    });
    const stop = onAbort(signal, () => request.destroy(signal.reason));
    request.on("socket", (socket) => socket.unref?.());
    request.on("error", (error) => {
      stop();
      reject(signal.aborted ? signal.reason : error);
    });
    request.end(body);
  });
}

function bodyOf(response: IncomingMessage, onEnd: () => void): ReadableStream<Uint8Array> {
  let isOver = false;
  const over = () => {
    onEnd();
    const wasOver = isOver;
    isOver = true;
    return !wasOver;
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      response.on("data", (chunk: Uint8Array) => {
        if (isOver) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) response.pause();
      });
      response.on("end", () => over() && controller.close());
      response.on("error", (error) => over() && controller.error(error));
      // Broken off without an error event.
      response.on("close", () => over() && controller.error(new Error("the stream broke off")));
    },
    pull: () => void response.resume(),
    cancel() {
      over();
      response.destroy();
    },
  });
}

/** Waits without keeping the process alive; true when the time has passed, false when the signal fired. */
export function quietDelay(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = nodeTimeout(() => {
      stop();
      resolve(true);
    }, ms);
    timer.unref();
    const stop = onAbort(signal, () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
