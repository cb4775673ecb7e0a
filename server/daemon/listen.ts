/**
 * Opening the daemon's port. Loopback unless every request needs the token; a port that is taken is
 * explained, not worked around: a client that dials the configured port must find us or an error.
 *
 * @module
 */

import { type Clock, systemClock } from "../../platform/clock.ts";
import { pause } from "../../platform/pause.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { ask } from "./control.ts";
import { type Health, parseHealth } from "./health.ts";
import { keepOpen } from "./keep_open.ts";
import { DaemonProblem } from "./problem.ts";

/** Where to listen. */
export interface ListenAddress {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Whether every request needs the token: the condition for any address but loopback. */
  requireToken: boolean;
  /** File that the remedy names. */
  configFile: string;
}

/** Where and how to listen. */
export interface ListenOptions extends ListenAddress {
  /**
   * Process of the last daemon of this home, if known: when it still has the port (its run folder was
   * deleted, and it has not noticed yet), it is waited for.
   */
  predecessor?: number;
  clock?: Clock;
  handler: Deno.ServeHandler;
  /** Answers when the handler throws. */
  onError(error: unknown): Response;
  /** Told why the port was lost, or could not be opened again yet; once for each reason. */
  onLost(error: unknown): void;
  /** Default `Deno.serve`. */
  serve?: Serve;
}

/** What this module needs of `Deno.serve`. */
export type Serve = (
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler,
) => Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

/** An open port. */
export interface Listening {
  /** URL to dial, without a slash at the end. */
  url: string;
  /** `host:port` of {@linkcode url}. */
  address: string;
  /**
   * Stops accepting and resolves when every connection is closed, or after `graceMs`: whoever still
   * holds a stream open then keeps it until this process exits.
   */
  close(graceMs: number): Promise<void>;
}

/** Looks at a port whose holder does not answer, before it is called another program's. */
const MAX_SILENCES = 3;

/** Milliseconds that the last daemon may take to notice that it is over, and to end. */
const PREDECESSOR_MS = 15_000;

/**
 * Listens, until it is told to close; see {@linkcode keepOpen}.
 *
 * @throws {DaemonProblem} when it may not or cannot.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { clock = systemClock, onLost } = options;
  const first = await serve({ ...options, host: permittedHost(options) });
  const { hostname: host, port } = first.addr;
  const kept = keepOpen(first, {
    clock,
    onLost,
    reopen: () => open({ ...options, host, port }),
  });
  // The literal address, whatever name was configured: names can mean another one tomorrow.
  const address = dialAddress(host, port);
  return {
    url: `http://${address}`,
    address,
    async close(graceMs) {
      // shutdown() waits for open streams, for ever if need be, and aborting the server's signal after
      // it throws BadResource from inside the runtime (Deno 2.9.6): hence a bound and no force.
      const server = kept.release();
      if (server !== undefined) await settlesWithin(server.shutdown(), graceMs);
    },
  };
}

/**
 * Opens the port for a moment, so that nothing is given up for an address that cannot be had.
 *
 * @throws {DaemonProblem} when {@linkcode listen} would.
 */
export async function tryToListen(address: ListenAddress): Promise<void> {
  const hostname = permittedHost(address);
  const { port } = address;
  try {
    Deno.listen({ hostname, port }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw listenProblem(error, address);
    const health = await occupantHealth(dialAddress(hostname, port));
    throw portProblem(error, { address, health });
  }
}

/** The address to bind to. @throws {DaemonProblem} for one that others can reach without a token. */
function permittedHost({ host, requireToken, configFile }: ListenAddress): string {
  // Names are not looked up: "localhost" is ::1 for one program and 127.0.0.1 for the next.
  const hostname = host === "localhost" ? "127.0.0.1" : host;
  if (isLoopback(hostname) || requireToken) return hostname;
  throw new DaemonProblem(
    `Cannot listen on ${hostname}: everyone on the network could use your MCP servers. ` +
      `Set "server": {"requireToken": true} in ${configFile}, or listen on 127.0.0.1.`,
  );
}

function open(options: ListenOptions): ReturnType<Serve> {
  const { host, port, handler, onError, serve = Deno.serve } = options;
  return serve({ hostname: host, port, onListen() {}, onError }, handler);
}

async function serve(options: ListenOptions): Promise<ReturnType<Serve>> {
  const { host, port, predecessor, clock = systemClock } = options;
  const end = clock.now() + PREDECESSOR_MS;
  let silences = 0;
  for (;;) {
    try {
      return open(options);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw listenProblem(error, options);
      const health = await occupantHealth(dialAddress(host, port));
      // Whoever does not answer may have let go of the port since: the last daemon, as it ended.
      const mayBeFree = health === undefined && ++silences <= MAX_SILENCES;
      const isPredecessor = health !== undefined && health.pid === predecessor;
      if (!mayBeFree && !(isPredecessor && clock.now() < end)) {
        throw portProblem(error, { address: options, health });
      }
      await pause(clock, 100);
    }
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `host:port` that reaches a listener from this machine. */
export function dialAddress(host: string, port: number): string {
  if (host === "0.0.0.0") return `127.0.0.1:${port}`;
  if (host === "::") return `[::1]:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The port is taken. */
function portProblem(
  cause: unknown,
  { address, health }: { address: ListenAddress; health: Health | undefined },
): DaemonProblem {
  const who = health === undefined
    ? "another program"
    : `an aichaku daemon of another home (process ${health.pid})`;
  return new DaemonProblem(
    `Cannot listen on ${whereOf(address)}: the port is in use by ${who}. ${portRemedy(address)}`,
    { cause },
  );
}

function listenProblem(cause: unknown, options: ListenAddress): DaemonProblem {
  const where = whereOf(options);
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new DaemonProblem(
      `Cannot listen on ${where}: ports below 1024 need special rights. ${portRemedy(options)}`,
      { cause },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DaemonProblem(
    `Cannot listen on ${where}: ${reason}. Choose another address with --host H or ` +
      `"server": {"host": H} in ${options.configFile}.`,
    { cause },
  );
}

function whereOf({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function portRemedy({ configFile }: ListenAddress): string {
  return `Choose another with --port N or "server": {"port": N} in ${configFile}.`;
}

/** What has the port says about itself; undefined when it is not a daemon of ours. */
export async function occupantHealth(address: string): Promise<Health | undefined> {
  try {
    return parseHealth((await ask(`http://${address}/health`, { timeoutMs: 1_000 })).body);
  } catch {
    return undefined; // It does not speak HTTP, or not with us: some program.
  }
}
