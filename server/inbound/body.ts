/**
 * Reading a request's body: JSON by its type, UTF-8, and no longer than the limit. Deno has no limit
 * of its own.
 *
 * @module
 */

import { joinBytes } from "../../protocol/bytes.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { Fault } from "../../protocol/errors.ts";

/** What reading a body needs to know of the daemon. */
export interface BodyContext {
  limits: { maxBodyBytes: number };
  /** Its `refusal` is why nothing is taken any more, if so. */
  exchange: { refusal: Fault | undefined };
}

/**
 * The body as text, without a byte order mark.
 *
 * Read as bytes and decoded strictly: `request.text()` would be quicker for large bodies (by about 40 µs
 * at 64 KiB), but replaces what is not UTF-8, in places without leaving a trace.
 *
 * @throws {Fault} 415 when it is not `application/json`, 413 when it is longer than `maxBodyBytes`,
 * 400 when it is not UTF-8, `draining` when the daemon stops before it was read; thrown or as a rejection.
 */
export function readJsonBody(request: Request, context: BodyContext): Promise<string> {
  const { maxBodyBytes: maxBytes } = context.limits;
  const refuseBroken = (cause: unknown) => refuseBody(cause, context);
  const type = request.headers.get("content-type");
  if (type !== "application/json" && !isJsonType(type)) throw notJson(type);
  const declared = request.headers.get("content-length");
  if (declared === null) return readUnannounced(request, maxBytes).then(decode, refuseBroken);
  const length = Number(declared);
  if (!(length <= maxBytes)) return refuseLong(request, { length, maxBytes });
  return request.bytes().then(decode, refuseBroken);
}

/** Strictly, which takes up to 16 times as long (Deno 2.9.6), only where something may have been replaced. */
function decode(bytes: Uint8Array): string {
  const text = lenient.decode(bytes);
  if (!text.includes(REPLACEMENT)) return text;
  try {
    return strict.decode(bytes);
  } catch (cause) {
    throw new Fault("parse_error", "Cannot read the body: it is not UTF-8", { cause });
  }
}

/**
 * Checks a request whose body is not looked at, and that may have none.
 *
 * @throws {Fault} with status 415 when it has one that is not JSON.
 */
export function checkJsonType(request: Request): void {
  const type = request.headers.get("content-type");
  if (type !== null && !isJsonType(type)) throw notJson(type);
}

const REPLACEMENT = "\ufffd";
const lenient = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * How much of a body that is too long is still read, and for how long: bytes and milliseconds. Most
 * clients look for an answer when they have sent all, and would find a broken connection instead. (Deno
 * since 2.8.3 reads on by itself.) Beyond that a client is cut off.
 */
const DISCARD_BYTES = 64 * 1024 * 1024;
const DISCARD_MS = 1_000;

async function refuseLong(
  request: Request,
  { length, maxBytes }: { length: number; maxBytes: number },
): Promise<never> {
  // Who asks before sending (`Expect: 100-continue`) reads the answer now.
  const left = request.headers.has("expect") || length > DISCARD_BYTES ? 0 : DISCARD_BYTES;
  await discard(request, left);
  throw tooLong(maxBytes);
}

/** A body without a length, in chunks. */
async function readUnannounced(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body?.values({ preventCancel: true }) ?? []) {
      length += chunk.length;
      if (length > maxBytes) throw tooLong(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await discard(request, DISCARD_BYTES);
    throw error;
  }
  return joinBytes(chunks);
}

/** Reads up to `left` bytes for nobody. What is left unread then would hold the connection. */
async function discard(request: Request, left: number): Promise<void> {
  const reader = request.body?.getReader();
  if (reader === undefined) return;
  const readOn = async () => {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.length;
    }
  };
  await settlesWithin(readOn(), DISCARD_MS);
  reader.cancel().catch(() => {}); // It broke, or was read to its end.
}

function isJsonType(type: string | null): boolean {
  return type?.split(";")[0].trim().toLowerCase() === "application/json";
}

function notJson(type: string | null): Fault {
  return new Fault(
    "invalid_request",
    `Cannot read the body: Content-Type is ${JSON.stringify(type)}, and must be application/json`,
    { status: 415 },
  );
}

function tooLong(maxBytes: number): Fault {
  return new Fault(
    "invalid_request",
    `Cannot read the body: it is longer than ${maxBytes} bytes; raise ` +
      `"server.limits.maxBodyBytes" in config.json if that is right`,
    { status: 413 },
  );
}

/** A body that could not be read, or not to its end. */
function refuseBody(cause: unknown, { exchange }: BodyContext): never {
  if (cause instanceof Fault) throw cause;
  // `Deno.HttpServer.shutdown` ends what is still being read, and lets the answer through (Deno 2.9.6).
  if (exchange.refusal !== undefined) throw exchange.refusal;
  throw new Fault("parse_error", "Cannot read the body: the connection broke", { cause });
}
