/**
 * What went wrong between the daemon and a remote server, in one form for the two that hear of it: the
 * call that gets no answer, and the start that failed.
 *
 * Nothing of a URL but its origin, no value of a header and no text of an answer's body ever stands in
 * it: tokens are found in all three.
 *
 * @module
 */

import { Fault } from "../../../protocol/errors.ts";
import type { WireEnd } from "../wire.ts";

/** One thing that went wrong. */
export interface Trouble {
  /**
   * - `unavailable`: it cannot be reached, or refused.
   * - `lost`: it was given the call, and the connection broke.
   * - `invalid`: what it answered is no answer.
   */
  kind: "unavailable" | "lost" | "invalid";
  /** What happened, after "it": `answered tools/call with 401 Unauthorized`. */
  how: string;
  /** What to do about it. */
  remedy?: string;
  /** Whether the call was certainly not executed, and making it again can help. */
  retryable?: boolean;
}

const REASONS = {
  unavailable: "upstream_unavailable",
  lost: "upstream_exited",
  invalid: "upstream_invalid",
} as const;

/** The trouble as the error of a call. */
export function troubleFault(trouble: Trouble, server: string): Fault {
  const { kind, how, retryable = false } = trouble;
  const remedy = kind === "lost" ? "whether the call took effect is not known" : trouble.remedy;
  const next = remedy === undefined ? "" : `; ${remedy}`;
  const message = `Server ${JSON.stringify(server)} ${how}${next}`;
  return new Fault(REASONS[kind], message, { server, retryable });
}

/** The trouble as the end of a connection. */
export function troubleEnd({ how, remedy }: Trouble): WireEnd {
  return { how, stderr: remedy ?? "" };
}

const HEADERS = `"headers" of this server in config.json`;
const URL_AND_TYPE = `"url" and "type" of this server in config.json`;

/** What to do about a status, where there is more to say than the status itself. */
const REMEDIES: Readonly<Record<number, string>> = {
  400: `check ${URL_AND_TYPE}`,
  401: `it wants credentials: put valid ones into ${HEADERS}`,
  403: `it does not permit this: check the credentials in ${HEADERS}`,
  404: `there is no such endpoint: check ${URL_AND_TYPE}`,
  405: `this is no endpoint of that kind: check ${URL_AND_TYPE}`,
  406: `check ${URL_AND_TYPE}`,
  407: "the proxy that the environment names wants credentials",
  413: "the message is too large for it",
  415: `check ${URL_AND_TYPE}`,
  429: "it is asked too much; try again later",
  503: "try again later",
};

/** A response whose status says no. @param what The method, or what else was asked. */
export function statusTrouble(response: Response, what: string): Trouble {
  const { status } = response;
  const target = status >= 300 && status < 400 ? redirectTarget(response) : undefined;
  return {
    kind: "unavailable",
    how: `answered ${what} with ${statusText(response)}`,
    remedy: target === undefined
      ? REMEDIES[status]
      : `it redirects to ${target}, where credentials are not sent: if you trust it, write that ` +
        `address as "url" of this server in config.json`,
    // Others may have been executed before a gateway gave up, or would be refused again.
    retryable: status === 429 || (status === 503 && response.headers.has("retry-after")),
  };
}

/** `401 Unauthorized`; the server's own words for it are not taken over. */
export function statusText({ status }: { status: number }): string {
  const name = NAMES[status];
  return name === undefined ? `status ${status}` : `${status} ${name}`;
}

const NAMES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function redirectTarget(response: Response): string | undefined {
  const location = response.headers.get("location");
  if (location === null) return undefined;
  return URL.parse(location, response.url || undefined)?.origin;
}
