/**
 * A connection in the era that the server speaks: found out, or chosen.
 *
 * Guarantees: of a server that turns out to be of the other era nothing is visible but its answers. What
 * was found out is remembered for the client's next connection, and forgotten when it proves wrong.
 *
 * @module
 */

import { discover, type Discovery, type Verdict } from "./discover.ts";
import { AichakuError, faultError } from "./errors.ts";
import { type HttpTransportOptions, openHttpTransport } from "./http_transport.ts";
import { identity, ModernTransport } from "./modern_transport.ts";
import type { Memory } from "./memory.ts";
import { ModernHttp } from "./modern_http.ts";
import { ModernStdio } from "./modern_stdio.ts";
import { onAbort } from "./on_abort.ts";
import type { Era } from "./options.ts";
import { delay } from "./scope.ts";
import { initializeOverStdio, type StdioTransportOptions } from "./stdio_transport.ts";
import { StdioWire } from "./stdio_wire.ts";
import { NotSent, type Transport } from "./transport.ts";

/** What is wanted of the era, and what outlives a connection. */
export interface EraOptions {
  era: Era;
  memory: Memory;
}

/**
 * Opens a connection over HTTP.
 *
 * @throws {AichakuError} when the daemon is gone or refuses; else the signal's reason.
 */
export async function openOverHttp(
  options: HttpTransportOptions & EraOptions,
): Promise<Transport> {
  const { era, memory, peer, signal } = options;
  if (era === "legacy") return await openHttpTransport(options);
  const wire = new ModernHttp({ ...options, client: memory.name });
  let verdict: Verdict;
  try {
    const ask = () => wire.request("server/discover", { _meta: identity(peer) }, { signal });
    verdict = await discover(ask, wire.server);
    if (verdict.era === "modern") {
      return new ModernTransport({ ...options, wire, discovery: verdict.discovery });
    }
    if (era === "modern") throw notModern(wire.server);
  } catch (error) {
    await wire.close();
    throw error instanceof NotSent ? error.error : error;
  }
  await wire.close();
  return await openHttpTransport({ ...options, revision: verdict.revision });
}

/** Options of {@linkcode openOverStdio}. */
export interface OpenStdioOptions extends StdioTransportOptions, EraOptions {
  /** Milliseconds for the question after the era; whoever does not answer is a legacy server. */
  probeMs: number;
}

/**
 * Opens a connection over the stdio of a started process, which is ended when that fails.
 *
 * @returns undefined when the process ended at the question for its era: some legacy servers do so at
 * anything before `initialize`. It is not asked again; another process is to be tried.
 * @throws {AichakuError} `upstream_unavailable` when the process ends or refuses; else the signal's
 * reason.
 */
export async function openOverStdio(options: OpenStdioOptions): Promise<Transport | undefined> {
  const { era, memory, onCleanup, signal } = options;
  const isKnown = era === "legacy" || (era === "auto" && memory.era !== undefined);
  const wire = new StdioWire(options);
  try {
    if (isKnown) return await initializeOverStdio(wire, options);
    const found = await findOut(wire, options);
    if (!("legacy" in found)) {
      return new ModernTransport({ ...options, wire: new ModernStdio(wire), ...found });
    }
    memory.era = "legacy";
    return found.legacy;
  } catch (error) {
    const reason = error instanceof NotSent ? error.error : error;
    const hasEnded = reason === wire.ended;
    const closed = wire.close();
    if (onCleanup === undefined) await closed;
    else onCleanup(closed);
    if (signal.aborted) throw reason;
    const mayBeSilent = era === "auto" && !isKnown && hasEnded;
    // What is believed of a server is believed as long as it is so.
    memory.era = mayBeSilent ? "silent" : undefined;
    if (mayBeSilent) return undefined;
    throw reason;
  }
}

type Found = { legacy: Transport } | { discovery: Discovery };

/** Asks for the era, and initializes a legacy server. */
async function findOut(wire: StdioWire, options: OpenStdioOptions): Promise<Found> {
  const { era, peer, probeMs } = options;
  // Both questions may be open at once; what is not needed any more must not keep the process alive.
  const controller = new AbortController();
  const { signal } = controller;
  const stop = onAbort(options.signal, () => controller.abort(options.signal.reason));
  try {
    const ask = () => wire.request("server/discover", { _meta: identity(peer) }, { signal });
    const probe = discover(ask, wire.server);
    const silence = delay(probeMs, signal).then(() => undefined);
    // Both are lost to the other one.
    probe.catch(() => {});
    silence.catch(() => {});
    // Whoever wants a modern server waits for it as long as for anything else.
    const verdict = await (era === "modern" ? probe : Promise.race([probe, silence]));
    if (verdict?.era === "modern") return { discovery: verdict.discovery };
    if (era === "modern") throw notModern(wire.server);
    const initialized = initializeOverStdio(wire, { peer, signal, revision: verdict?.revision })
      .then((legacy): Found => ({ legacy }));
    return await (verdict === undefined ? eitherOf(initialized, probe) : initialized);
  } finally {
    stop();
    controller.abort();
  }
}

/** A modern server that is slow answers the question after all, and refuses to initialize. */
async function eitherOf(initialized: Promise<Found>, probe: Promise<Verdict>): Promise<Found> {
  const late = probe.then((verdict): Found => {
    if (verdict.era === "modern") return { discovery: verdict.discovery };
    throw new Error("a legacy server");
  });
  late.catch(() => {}); // Then `initialized` says what there is to say.
  try {
    return await Promise.any([initialized, late]);
  } catch {
    return await initialized; // Both failed; this is the reason that counts.
  }
}

function notModern(server: string): AichakuError {
  return faultError("rpc", {
    reason: "upstream_unavailable",
    message: `Cannot use server ${JSON.stringify(server)}: it speaks no revision of the modern ` +
      `era, and era is "modern"; leave the option out, or say "auto"`,
    details: { server },
  });
}
