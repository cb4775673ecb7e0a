/**
 * The reserved addresses below `/.daemon/`, through which the processes of a service deal with the one
 * that serves; everything else belongs to the application.
 *
 * | request | answer |
 * |---|---|
 * | `GET /.daemon/identity?nonce=N` | `{revision, instanceId, pid, draining, proof}`; needs no token |
 * | `POST /.daemon/leases?pid=P` | a stream of JSON lines that stays open as long as the lease is held: `{lease, clientCount}`, and `{end}` with the reason when the server ends first; 503 while it drains |
 * | `POST /.daemon/leases/ID/end` | 204; the lease is given back |
 * | `GET /.daemon/status` | `{port, pid, clientCount}` |
 *
 * The proof is that of `protocol/identity.ts`. All but the first need the token. A web page cannot ask
 * any of them: a request under another host name (DNS rebinding) or with an `Origin` is refused.
 *
 * Knows nothing of how the request arrived; see `listen_fetch.ts` and `listen_node.ts`.
 *
 * @module
 */

import { addressOf, healthProof } from "../../protocol/identity.ts";
import { hasToken } from "../inbound/guard.ts";
import { REVISION } from "./announcement.ts";
import type { Lease, Leases } from "./leases.ts";

/** Every reserved address begins so. */
export const PREFIX = "/.daemon/";

/** A request to a reserved address. */
export interface ControlRequest {
  method: string;
  /** Path and query. */
  target: string;
  /** At least `host`, `origin` and `authorization`, as far as they were sent. */
  headers: Headers;
}

/** What is sent back. */
export type ControlAnswer = JsonAnswer | LeaseAnswer;

/** An answer that is over when it is sent. */
export interface JsonAnswer {
  kind: "json";
  status: number;
  body?: unknown;
}

/** An answer that is a stream, open as long as the lease is held. */
export interface LeaseAnswer {
  kind: "lease";
  lease: Lease;
  /** The first line. */
  first: string;
}

/** What the answers are made from. */
export interface ControlOptions {
  /** `host:port` that is dialed, and that the proof covers. */
  address: string;
  port: number;
  token: string;
  instanceId: string;
  leases: Leases;
}

/** Answers requests to reserved addresses. */
export type Control = (request: ControlRequest) => ControlAnswer | Promise<JsonAnswer>;

/**
 * Makes the answers of one server. A lease is granted without waiting for anything: a process that is
 * killed while it asks must not leave one behind.
 */
export function createControl(options: ControlOptions): Control {
  const { address, port, token, instanceId, leases } = options;
  return ({ method, target, headers }) => {
    if (addressOf(`http://${headers.get("host")}`) !== address || headers.has("origin")) {
      return problem(403, `This is for the programs of this machine that dial ${address}`);
    }
    const { pathname, searchParams } = new URL(target, `http://${address}`);
    const route = `${method} ${pathname.slice(PREFIX.length)}`;
    if (route === "GET identity") return identity(searchParams.get("nonce") ?? "");
    if (!hasToken(headers, token)) return problem(401, "This needs the token of the daemon");
    if (route === "GET status") {
      return json(200, { port, pid: Deno.pid, clientCount: leases.count });
    }
    if (route === "POST leases") return grant(Number(searchParams.get("pid")));
    const ended = /^POST leases\/([^/]+)\/end$/.exec(route)?.[1];
    if (ended !== undefined) {
      return leases.release(ended) ? json(204) : problem(404, "There is no such lease");
    }
    return problem(404, `There is no ${route}`);
  };

  async function identity(nonce: string): Promise<JsonAnswer> {
    return json(200, {
      revision: REVISION,
      instanceId,
      pid: Deno.pid,
      draining: leases.closed,
      proof: await healthProof({ token, nonce, instanceId, address }),
    });
  }

  function grant(pid: number): ControlAnswer {
    const lease = leases.hold(pid);
    if (lease === undefined) return problem(503, "The server is ending");
    const first = JSON.stringify({ lease: lease.id, clientCount: leases.count });
    return { kind: "lease", lease, first };
  }
}

function json(status: number, body?: unknown): JsonAnswer {
  return { kind: "json", status, body };
}

function problem(status: number, error: string): JsonAnswer {
  return json(status, { error });
}
