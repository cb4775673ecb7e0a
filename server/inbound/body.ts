/**
 * Reading a request's body: JSON by its type, UTF-8, and no longer than the limit. Deno has no limit
 * of its own.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";

/**
 * The body as text, without a byte order mark.
 *
 * Not noticed in a body that came with its length, because reading it as text is the fast way: the first
 * three bytes of a cut four-byte character, alone. They become U+FFFD, which takes three bytes as well.
 *
 * @throws {Fault} 415 when it is not `application/json`, 413 when it is longer than `maxBytes`,
 * 400 when it is not UTF-8.
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<string> {
  const type = request.headers.get("content-type");
  if (type !== "application/json" && !isJsonType(type)) {
    throw new Fault(
      "invalid_request",
      `Cannot read the body: Content-Type is ${JSON.stringify(type)}, and must be application/json`,
      { status: 415 },
    );
  }
  const declared = request.headers.get("content-length");
  if (declared === null) return await readUnannounced(request, maxBytes);
  const length = Number(declared);
  if (!(length <= maxBytes)) {
    // Left unread, the body would hold the connection; a client that ignores the answer is cut off.
    request.body?.cancel().catch(() => {});
    throw tooLong(maxBytes);
  }
  const text = await readText(request);
  if (text.includes("\uFFFD") && !isWhole(text, length)) throw notUtf8();
  return text;
}

/** Whether nothing was replaced in reading `length` bytes; a byte order mark is three of them. */
function isWhole(text: string, length: number): boolean {
  const read = new TextEncoder().encode(text).length;
  return read === length || read + 3 === length;
}

async function readText(request: Request): Promise<string> {
  try {
    return await request.text();
  } catch (cause) {
    throw broken(cause);
  }
}

/** A body without a length, in chunks. */
async function readUnannounced(request: Request, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > maxBytes) throw tooLong(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Fault ? error : broken(error);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw notUtf8();
  }
}

function isJsonType(type: string | null): boolean {
  return type?.split(";")[0].trim().toLowerCase() === "application/json";
}

function tooLong(maxBytes: number): Fault {
  return new Fault(
    "invalid_request",
    `Cannot read the body: it is longer than ${maxBytes} bytes; raise ` +
      `"server.limits.maxBodyBytes" in config.json if that is right`,
    { status: 413 },
  );
}

function broken(cause: unknown): Fault {
  return new Fault("parse_error", "Cannot read the body: the connection broke", { cause });
}

function notUtf8(): Fault {
  return new Fault("parse_error", "Cannot read the body: it is not UTF-8");
}
