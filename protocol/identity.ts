/**
 * How a daemon says who it is, and how a client makes sure: the announcement in `daemon.json` and the
 * proof that `GET /health?nonce=…` adds.
 *
 * The proof guarantees that whoever answered at this address knows the token and is the announced
 * instance: a program that squats on the port cannot make one, and one that relays to the real daemon
 * passes on a proof for another address. It does not keep anything secret and does not authenticate the
 * client.
 *
 * Leaf: nothing but the language and WebCrypto, so that it runs on Deno, Node and Bun.
 *
 * @module
 */

import { joinBytes } from "./bytes.ts";

/** What `daemon.json` says. Written by rename, so a reader sees all of it or none. */
export interface Announcement {
  /** Base URL to dial, without a slash at the end: `http://127.0.0.1:7182`. */
  url: string;
  /** Path of the Unix socket; null when this daemon serves none. */
  socket: string | null;
  /** Process id. Informs only. */
  pid: number;
  /**
   * When that process started, as its operating system counts (Linux: field 22 of `/proc/PID/stat`).
   * Only equality means something. Null when the system does not tell.
   */
  startTime: number | null;
  /** Random name of this run of the daemon. */
  instanceId: string;
  /** Version of the program. */
  version: string;
  /** Revisions of the agreement with its own clients that it speaks; see `DAEMON_PROTOCOL`. */
  protocol: { min: number; max: number };
  /** Where it logs. */
  logPath: string;
}

/**
 * Reads an announcement. Unknown fields are ignored, so that a newer daemon can be found.
 *
 * @returns undefined when the text is not an announcement: empty, torn, not JSON, a field missing or
 * of the wrong type, a URL that is not plain HTTP.
 */
export function parseAnnouncement(text: string): Announcement | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the caller treats it like a missing file.
  }
  if (!isRecord(value) || !isRecord(value.protocol)) return undefined;
  const { url, socket, pid, startTime, instanceId, version, logPath } = value;
  const { min, max } = value.protocol;
  if (typeof url !== "string" || addressOf(url) === undefined) return undefined;
  if (typeof instanceId !== "string" || instanceId === "") return undefined;
  if (typeof version !== "string" || typeof logPath !== "string") return undefined;
  if (socket !== null && typeof socket !== "string") return undefined;
  if (startTime !== null && typeof startTime !== "number") return undefined;
  // A pid of 0 or below would mean a whole process group to kill(2).
  if (!isPositiveInteger(pid)) return undefined;
  if (!isPositiveInteger(min) || !isPositiveInteger(max)) return undefined;
  return {
    url: url.replace(/\/+$/, ""),
    socket,
    pid,
    startTime,
    instanceId,
    version,
    protocol: { min, max },
    logPath,
  };
}

/**
 * `host:port` of an HTTP URL as it goes into the proof: always with a port, IPv6 in brackets.
 *
 * @returns undefined when it is not an `http:` URL.
 */
export function addressOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "http:" || hostname === "") return undefined;
  return `${hostname}:${port === "" ? "80" : port}`;
}

/** What a proof is made of. */
export interface ProofInput {
  /** The text of the token file, without white space around it. */
  token: string;
  /** What the client chose at random for this one question. */
  nonce: string;
  /** Instance that answers. */
  instanceId: string;
  /** `host:port` that the client dialed; see {@linkcode addressOf}. */
  address: string;
}

/**
 * The proof: lower-case hexadecimal HMAC-SHA256.
 *
 * Key: the UTF-8 bytes of the token's text (not decoded from base64url). Message: the UTF-8 bytes of
 * `aichaku-health`, then for each of nonce, instanceId and address, in this order, the number of its
 * UTF-8 bytes as four bytes, most significant first, followed by those bytes. The lengths keep two
 * different inputs from ever being the same message.
 */
export async function healthProof(input: ProofInput): Promise<string> {
  const utf8 = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    utf8.encode(input.token),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const parts = [utf8.encode("aichaku-health")];
  for (const field of [input.nonce, input.instanceId, input.address]) {
    const bytes = utf8.encode(field);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    parts.push(length, bytes);
  }
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, joinBytes(parts)));
  return Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Whether `proof` is the proof for `input`. Takes the same time wherever the first difference is.
 *
 * @param proof Anything a stranger may have sent.
 */
export async function verifyHealthProof(proof: unknown, input: ProofInput): Promise<boolean> {
  const expected = await healthProof(input);
  if (typeof proof !== "string" || proof.length !== expected.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference |= expected.charCodeAt(i) ^ proof.charCodeAt(i);
  }
  return difference === 0;
}

/** A fresh nonce: 32 hexadecimal digits. */
export function newNonce(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
