/**
 * `GET /health`: that the daemon lives, and, for whoever holds the token, that it is the daemon and not
 * some other program on its port.
 *
 * @module
 */

import { healthProof } from "../../protocol/identity.ts";
import type { DaemonIdentity } from "../daemon/app.ts";

/** What health reports on. */
export interface HealthSource {
  identity: DaemonIdentity;
  activeSessions(): number;
  /** State of every server, by name. */
  serverStates(): Record<string, string>;
  draining: boolean;
}

/** Longest nonce that is proven. */
const MAX_NONCE = 256;

/** The answer; with `proof` when the request has a `nonce`. */
export async function health(source: HealthSource, url: URL): Promise<Response> {
  const { identity } = source;
  const nonce = url.searchParams.get("nonce");
  const proof = nonce === null || nonce.length > MAX_NONCE ? {} : {
    proof: await healthProof({
      token: identity.token,
      nonce,
      instanceId: identity.instanceId,
      address: identity.address,
    }),
  };
  return Response.json({
    status: source.draining ? "draining" : "ok",
    sessions: source.activeSessions(),
    pid: identity.pid,
    version: identity.version,
    instanceId: identity.instanceId,
    uptime: Math.max(0, Math.round((Date.now() - identity.startedAt) / 1000)),
    servers: source.serverStates(),
    ...proof,
  });
}
