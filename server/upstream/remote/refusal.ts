/**
 * A response whose status says no, read once for everybody who has to judge it.
 *
 * @module
 */

import type { JsonObject } from "../../../protocol/json.ts";
import { readText } from "./event_stream.ts";
import { errorIn } from "./incoming.ts";
import { statusTrouble, type Trouble } from "./trouble.ts";

/** What a refusal says. */
export interface Refusal {
  status: number;
  /** The JSON-RPC error in its body, where there is one. */
  error: { id: unknown; error: JsonObject } | undefined;
  trouble: Trouble;
}

/** Longest body that may hold an error, characters. */
const MAX_BODY = 1_000_000;

/** Reads a refusal. @param what The method, or what else was asked. */
export async function readRefusal(response: Response, what: string): Promise<Refusal> {
  // A body that breaks off says nothing; the status does.
  const { text = "" } = await readText(response, MAX_BODY);
  return {
    status: response.status,
    error: errorIn(text),
    trouble: statusTrouble(response, what),
  };
}

/**
 * Whether a server has forgotten the session it was asked in: 404, says the specification. Servers built
 * after the examples of the v1 SDK (`server-everything` among them) answer 400 and name the session in
 * the error, and would do so for ever.
 */
export function namesLostSession({ status, error }: Refusal): boolean {
  if (status === 404) return true;
  return status === 400 && /session/i.test(String(error?.error.message ?? ""));
}
