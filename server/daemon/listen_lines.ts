/**
 * Listening for newline-delimited JSON-RPC: the Unix socket in the run folder, and a TCP port when the
 * configuration names one. A socket that cannot be had is done without, and the log says why; a TCP port
 * that was asked for and is taken is an error, as with HTTP.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { pause } from "../../platform/pause.ts";
import { listenUnix } from "../../platform/unix_socket.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import type { DaemonApp } from "./app.ts";
import { dialAddress } from "./listen.ts";
import type { Logger } from "./log.ts";
import { DaemonProblem } from "./problem.ts";

/** Where to listen, and who serves. */
export interface ListenLinesOptions {
  /** Path of the Unix socket. Whoever calls holds the lock of its folder. */
  path: string;
  /** Address of the TCP port. */
  host: string;
  /** Undefined: none; 0: the system chooses. */
  tcpPort: number | undefined;
  /** File that the remedy names. */
  configFile: string;
  serve: NonNullable<DaemonApp["serveLines"]>;
  log: Logger;
  clock: Clock;
}

/** What listens. */
export interface ListeningLines {
  /** Path of the socket; null without one. */
  socket: string | null;
  /** `host:port` of the TCP port; undefined without one. */
  tcp: string | undefined;
  /** Takes no more connections, and resolves when those there are over, or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Milliseconds until the next try when the system cannot give us a connection. */
const ACCEPT_PAUSE_MS = 100;

/**
 * Listens.
 *
 * @throws {DaemonProblem} when the TCP port cannot be had.
 */
export function listenLines(options: ListenLinesOptions): ListeningLines {
  const { path } = options;
  const tcp = openTcp(options);
  let unix: Deno.UnixListener | undefined;
  try {
    unix = openUnix(options);
  } catch (error) {
    tcp?.close();
    throw error;
  }
  let closed = false;
  const conns = new Set<Deno.Conn>();
  const accepting: Promise<void>[] = [];
  const serving = new Set<Promise<void>>();
  if (unix !== undefined) accepting.push(accept(unix, false));
  if (tcp !== undefined) accepting.push(accept(tcp, true));
  return {
    socket: unix === undefined ? null : path,
    tcp: tcp === undefined ? undefined : addressOf(tcp),
    async close(graceMs) {
      closed = true;
      unix?.close();
      tcp?.close();
      if (unix !== undefined) removeSocket(path);
      await Promise.all(accepting);
      if (await settlesWithin(Promise.all(serving), graceMs)) return;
      for (const conn of conns) closeConn(conn);
      await Promise.all(serving);
    },
  };

  async function accept(listener: Deno.Listener, needsToken: boolean): Promise<void> {
    while (!closed) {
      let conn: Deno.Conn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (closed) return;
        // Too many open files, or a client that left at once: the next one may have more luck.
        options.log.error("cannot take a connection", { error });
        await pause(options.clock, ACCEPT_PAUSE_MS);
        continue;
      }
      // A line is short, and somebody waits for it: TCP would hold it back to send more at once.
      if (isTcp(conn)) conn.setNoDelay(true);
      conns.add(conn);
      const served = options.serve(conn, { needsToken }).finally(() => {
        conns.delete(conn);
        serving.delete(served);
      });
      serving.add(served);
    }
  }
}

function openUnix({ path, log }: ListenLinesOptions): Deno.UnixListener | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    return listenUnix(path);
  } catch (error) {
    log.warn(`no Unix socket: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function openTcp({ host, tcpPort, configFile }: ListenLinesOptions): Deno.TcpListener | undefined {
  if (tcpPort === undefined) return undefined;
  const hostname = host === "localhost" ? "127.0.0.1" : host;
  try {
    return Deno.listen({ hostname, port: tcpPort });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "the port is in use"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new DaemonProblem(
      `Cannot listen on ${dialAddress(hostname, tcpPort)} for lines: ${why}. Choose another ` +
        `"server": {"tcpPort": N} in ${configFile}, or leave it out.`,
      { cause },
    );
  }
}

function addressOf({ addr }: Deno.TcpListener): string {
  return dialAddress(addr.hostname, addr.port);
}

function isTcp(conn: Deno.Conn): conn is Deno.TcpConn {
  return conn.remoteAddr.transport === "tcp";
}

function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // Somebody removed it.
  }
}

function closeConn(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // It was closed meanwhile.
  }
}
