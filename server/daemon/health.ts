/**
 * Reading what a daemon says about itself, tolerant of fields added later.
 *
 * @module
 */

import { addressOf, newNonce, verifyHealthProof } from "../../protocol/identity.ts";
import { ask } from "./control.ts";

/** `GET /health`, as far as the command line uses it. */
export interface Health {
  /** `ok`; anything else means that it is about to end. */
  status: string;
  /** Sessions that hold a lease. */
  sessions: number;
  pid: number;
  version: string;
  instanceId: string;
  /** Seconds since it started. */
  uptime: number;
  /** State by server name. */
  servers: Record<string, string>;
  /** Present when a nonce was given. */
  proof: unknown;
}

/** A health answer; undefined when it is not one. */
export function parseHealth(body: unknown): Health | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { status, sessions, pid, version, instanceId, uptime, servers, proof } = body as Record<
    string,
    unknown
  >;
  if (typeof status !== "string" || typeof instanceId !== "string") return undefined;
  if (typeof pid !== "number" || typeof version !== "string") return undefined;
  return {
    status,
    sessions: typeof sessions === "number" ? sessions : 0,
    pid,
    version,
    instanceId,
    uptime: typeof uptime === "number" ? uptime : 0,
    servers: typeof servers === "object" && servers !== null
      ? Object.fromEntries(
        Object.entries(servers).filter((entry): entry is [string, string] =>
          typeof entry[1] === "string"
        ),
      )
      : {},
    proof,
  };
}

/** Options of {@linkcode provenHealth}. */
export interface ProvenHealthOptions {
  /** As announced. */
  url: string;
  /** As announced. */
  instanceId: string;
  /** Tokens that it may have. */
  tokens: readonly string[];
  timeoutMs: number;
}

/** A daemon that proved itself, or why what answered is not to be trusted. */
export type ProvenHealth =
  | { proven: true; health: Health; token: string }
  | { proven: false; why: string };

/** Asks for the health and checks the proof. Sends no secret. Never throws. */
export async function provenHealth(options: ProvenHealthOptions): Promise<ProvenHealth> {
  const { url, instanceId, tokens, timeoutMs } = options;
  const address = addressOf(url);
  if (address === undefined) return { proven: false, why: `${url} is not an HTTP address` };
  const nonce = newNonce();
  let body: unknown;
  try {
    body = (await ask(`${url}/health?nonce=${nonce}`, { timeoutMs })).body;
  } catch (error) {
    return { proven: false, why: whyNoAnswer(error, url, timeoutMs) };
  }
  const health = parseHealth(body);
  if (health === undefined) {
    return { proven: false, why: `what answers at ${url} is not an aichaku daemon` };
  }
  for (const token of tokens) {
    if (await verifyHealthProof(health.proof, { token, nonce, instanceId, address })) {
      return { proven: true, health, token };
    }
  }
  return { proven: false, why: `what answers at ${url} could not prove to be our daemon` };
}

function whyNoAnswer(error: unknown, url: string, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `${url} did not answer within ${timeoutMs} ms`;
  }
  // What `fetch` throws for every failure of the network, a refused connection above all.
  if (error instanceof TypeError) return `nothing answers at ${url}`;
  return error instanceof Error ? error.message : String(error);
}
