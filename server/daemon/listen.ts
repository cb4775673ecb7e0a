/**
 * Opening the daemon's port. Loopback unless every request needs the token; a port that is taken is
 * explained, not worked around: a client that dials the configured port must find us or an error.
 *
 * @module
 */

import { settlesWithin } from "../../protocol/deadline.ts";
import { parseHealth } from "./health.ts";
import { ask } from "./control.ts";
import { DaemonProblem } from "./problem.ts";

/** Where and how to listen. */
export interface ListenOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Whether every request needs the token: the condition for any address but loopback. */
  requireToken: boolean;
  /** File that the remedy names. */
  configFile: string;
  handler: Deno.ServeHandler;
  /** Answers when the handler throws. */
  onError(error: unknown): Response;
}

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

/**
 * Listens.
 *
 * @throws {DaemonProblem} when it may not or cannot.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { port, requireToken, configFile, handler, onError } = options;
  // Names are not looked up: "localhost" is ::1 for one program and 127.0.0.1 for the next.
  const hostname = options.host === "localhost" ? "127.0.0.1" : options.host;
  if (!isLoopback(hostname) && !requireToken) {
    throw new DaemonProblem(
      `Cannot listen on ${hostname}: everyone on the network could use your MCP servers. ` +
        `Set "server": {"requireToken": true} in ${configFile}, or listen on 127.0.0.1.`,
    );
  }
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname, port, onListen() {}, onError },
      handler,
    );
  } catch (error) {
    throw await listenProblem(error, { ...options, host: hostname });
  }
  // The literal address, whatever name was configured: names can mean another one tomorrow.
  const address = dialAddress(server.addr.hostname, server.addr.port);
  return {
    url: `http://${address}`,
    address,
    async close(graceMs) {
      // shutdown() waits for open streams, for ever if need be, and aborting the server's signal after
      // it throws BadResource from inside the runtime (Deno 2.9.6): hence a bound and no force.
      await settlesWithin(server.shutdown(), graceMs);
    },
  };
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

async function listenProblem(
  error: unknown,
  { host, port, configFile }: ListenOptions,
): Promise<DaemonProblem> {
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const remedy = `Choose another with --port N or "server": {"port": N} in ${configFile}.`;
  if (error instanceof Deno.errors.AddrInUse) {
    const who = await occupant(dialAddress(host, port));
    return new DaemonProblem(
      `Cannot listen on ${where}: the port is in use by ${who}. ${remedy}`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new DaemonProblem(
      `Cannot listen on ${where}: ports below 1024 need special rights. ${remedy}`,
      { cause: error },
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DaemonProblem(
    `Cannot listen on ${where}: ${reason}. Choose another address with --host H or ` +
      `"server": {"host": H} in ${configFile}.`,
    { cause: error },
  );
}

/** Who has the port, in words. */
async function occupant(address: string): Promise<string> {
  try {
    const { body } = await ask(`http://${address}/health`, { timeoutMs: 1_000 });
    const health = parseHealth(body);
    if (health !== undefined) return `an aichaku daemon of another home (process ${health.pid})`;
  } catch {
    // It does not speak HTTP, or not with us: some program.
  }
  return "another program";
}
