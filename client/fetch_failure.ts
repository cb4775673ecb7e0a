/**
 * What a failed `fetch` says about its request. The specification gives every network error the same
 * `TypeError`; what tells them apart is each runtime's own.
 *
 * @module
 */

/** `code` of the error or of one of its causes (Node 20, Bun 1.4). */
const REFUSED_CODES: readonly unknown[] = [
  "ECONNREFUSED",
  "ConnectionRefused",
  "EHOSTUNREACH",
  "ENETUNREACH",
];

/** hyper's phase in the message of the error (Deno 2.7) or of its cause (Deno 2.9). */
const CONNECT_PHASE = /client error \(Connect\)/;

/**
 * Whether no connection could be made, so that the request certainly was not executed. False when in
 * doubt: a connection that broke may have carried the request.
 */
export function wasRefused(error: unknown): boolean {
  for (let depth = 0; error instanceof Error && depth < 5; depth++, error = error.cause) {
    if (REFUSED_CODES.includes((error as { code?: unknown }).code)) return true;
    if (CONNECT_PHASE.test(error.message)) return true;
  }
  return false;
}
