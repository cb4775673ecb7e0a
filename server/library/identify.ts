/**
 * Whether what answers at an address is the server of our folder. Sends no secret, believes nothing but
 * the proof.
 *
 * @module
 */

import { addressOf, newNonce, verifyHealthProof } from "../../protocol/identity.ts";
import { ask } from "../daemon/control.ts";
import { PREFIX } from "./control.ts";

/** Whom to ask. */
export interface IdentifyOptions {
  /** URL to dial, without a slash at the end. */
  url: string;
  /** The secret of the folder; undefined when there is none yet. */
  token: string | undefined;
  /** The announced instance; without one any that proves itself is taken. */
  instanceId?: string;
  /** Milliseconds. */
  timeoutMs: number;
}

/** Who answers. */
export type Identified =
  | { ours: true; revision: number; pid: number; draining: boolean }
  | {
    ours: false;
    /** What answers, or does not, as the end of a sentence. */
    why: string;
  };

/** Asks. Never throws. */
export async function identify(options: IdentifyOptions): Promise<Identified> {
  const { url, token, timeoutMs } = options;
  const nonce = newNonce();
  let body: unknown;
  try {
    body = (await ask(`${url}${PREFIX}identity?nonce=${nonce}`, { timeoutMs })).body;
  } catch (error) {
    return { ours: false, why: whyNoAnswer(error, url, timeoutMs) };
  }
  const { revision, instanceId, pid, draining, proof } = Object(body) as Record<string, unknown>;
  if (
    typeof revision !== "number" || typeof instanceId !== "string" || typeof pid !== "number" ||
    typeof draining !== "boolean"
  ) {
    return { ours: false, why: `what answers at ${url} is another program` };
  }
  const address = addressOf(url);
  const proven = token !== undefined && address !== undefined &&
    await verifyHealthProof(proof, {
      token,
      nonce,
      instanceId: options.instanceId ?? instanceId,
      address,
    });
  if (!proven) {
    return {
      ours: false,
      why: `what answers at ${url} (process ${pid}, it says) is a daemon of another folder`,
    };
  }
  return { ours: true, revision, pid, draining };
}

function whyNoAnswer(error: unknown, url: string, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `${url} did not answer within ${timeoutMs} ms`;
  }
  return `nothing that speaks HTTP answers at ${url}`;
}
