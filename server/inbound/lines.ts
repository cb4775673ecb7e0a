/**
 * MCP by lines over a connection: newline-delimited JSON-RPC as over stdio, on the daemon's Unix socket
 * and on TCP. `nc -U …/mcp.sock` is a stdio bridge of two megabytes.
 *
 * The first line that is no message ends the connection, after an error that says so: whoever sends an
 * HTTP request here is not read to the end. A client that closes its side still gets the answers of its
 * last calls, for a moment: `echo … | nc -N -U …/mcp.sock` works, and a client that is gone leaves
 * nothing behind.
 *
 * @module
 */

import { settlesWithin } from "../../protocol/deadline.ts";
import { Fault } from "../../protocol/errors.ts";
import { Connection, type Outlet } from "./connection.ts";
import { type InboundContext, requireEndpoint } from "./context.ts";
import {
  type Gate,
  type Hello,
  readHello,
  sessionFound,
  tokenMissing,
  UNANSWERED,
} from "./hello.ts";
import { LineReader } from "./line_reader.ts";
import { Outgoing } from "./outgoing.ts";

/** A connection of the system's: what this module needs of `Deno.Conn`. */
export interface LineConn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  /** Ends our side; what was written still arrives. */
  closeWrite(): Promise<void>;
  close(): void;
}

/** Milliseconds that a client may take for its first line, where one must be sent. */
const FIRST_LINE_MS = 10_000;

/** Bytes of the first line of somebody who must say the token in it: anybody may make us hold as much. */
const MAX_FIRST_LINE = 16 * 1024;

/** Milliseconds that calls may take to be answered after their client has ended its side. */
const LAST_ANSWERS_MS = 5_000;

/** Milliseconds that a client may take to read what is left, and to close, when we end. */
const CLOSE_MS = 1_000;

const utf8 = new TextEncoder();

/** Serves one client until it leaves, is refused, or the daemon stops. Never rejects. */
export async function serveLines(
  context: InboundContext,
  conn: LineConn,
  gate: Gate,
): Promise<void> {
  const line = new Line(context, conn, gate);
  try {
    await line.serve();
  } catch (error) {
    context.log.error("fault while serving lines", { error });
  } finally {
    line.close();
  }
}

class Line {
  readonly #context: InboundContext;
  readonly #conn: LineConn;
  readonly #gate: Gate;
  readonly #outgoing: Outgoing;
  readonly #reader: LineReader;
  #connection: Connection | undefined;
  /** While the session that the first line names is looked for: what came with that line. */
  #early: string[] | undefined;
  /** The session that it names is not this connection's own. */
  #isGuest = false;
  #joining: Promise<void> | undefined;
  /** We end it: what still comes is let through unread. */
  #ending = false;
  #timer: Disposable | undefined;
  /** Until the token was said, where it must be. */
  #stranger: Disposable | undefined;

  constructor(context: InboundContext, conn: LineConn, gate: Gate) {
    const { limits, log } = context;
    this.#context = context;
    this.#conn = conn;
    this.#gate = gate;
    this.#reader = new LineReader(gate.required ? MAX_FIRST_LINE : limits.maxBodyBytes);
    this.#outgoing = new Outgoing({
      write: (texts) => this.#write(texts),
      maxLength: limits.maxStreamBytes + limits.maxServerMessageBytes,
      onOverflow: () => {
        log.warn("client cut off: it does not read its socket", { session: this.#connection?.id });
        this.close();
      },
      onError: () => this.close(),
    });
  }

  async serve(): Promise<void> {
    if (this.#gate.required) this.#awaitToken();
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await this.#read(buffer); count !== null; count = await this.#read(buffer)) {
      if (!this.#ending) this.#take(buffer.subarray(0, count));
      if (this.#joining !== undefined) await this.#joining;
    }
    if (this.#ending) return;
    // The client has ended its side: it may be gone, or wait for its last answers.
    this.#takeRest();
    await settlesWithin(this.#connection?.settled ?? Promise.resolve(), LAST_ANSWERS_MS);
    await settlesWithin(this.#outgoing.flushed(), CLOSE_MS);
  }

  /** Ends it at once. */
  close(): void {
    this.#ending = true;
    this.#timer?.[Symbol.dispose]();
    this.#stranger?.[Symbol.dispose]();
    this.#outgoing.stop();
    this.#connection?.close("the client closed its connection");
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // It is closed already.
    }
  }

  #awaitToken(): void {
    this.#closeAfter(FIRST_LINE_MS);
    try {
      this.#stranger = this.#context.connections.admitStranger();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #take(bytes: Uint8Array): void {
    try {
      for (const text of this.#reader.push(bytes)) {
        this.#takeLine(text);
        if (this.#ending) return;
      }
    } catch (error) {
      const isTooLong = error instanceof Fault && error.reason === "invalid_request";
      this.#refuse(this.#isStranger && isTooLong ? tokenMissing() : error);
    }
  }

  get #isStranger(): boolean {
    return this.#gate.required && this.#connection === undefined;
  }

  /** A last line that has no end, of a client that is not used to write one. */
  #takeRest(): void {
    try {
      const text = this.#reader.end();
      if (text !== "") this.#takeLine(text);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #takeLine(text: string): void {
    if (this.#early !== undefined) return void this.#early.push(text);
    if (this.#connection === undefined) {
      const hello = readHello(text, this.#gate);
      this.#reader.maxBytes = this.#context.limits.maxBodyBytes;
      this.#stranger?.[Symbol.dispose]();
      this.#timer?.[Symbol.dispose]();
      if (hello?.session !== undefined) {
        this.#early = [];
        this.#joining = this.#join(hello, hello.session);
        return;
      }
      this.#connection = this.#connect(hello ?? {});
      if (hello !== undefined) return;
    }
    // What is wrong with it was said to the client.
    if (!this.#connection.receive(text)) this.#end();
  }

  /** Takes up the session `id`, then what came meanwhile. */
  async #join(hello: Hello, id: string): Promise<void> {
    const { exchange, sessions } = this.#context;
    try {
      // Before it is looked for: it may be put away already, and must not seem to be lost.
      if (exchange.refusal !== undefined) throw exchange.refusal;
      const { server, project } = hello;
      const endpoint = requireEndpoint(this.#context, server);
      const session = await sessions.find(id, { kind: "mcp", endpoint, project });
      if (this.#ending) return;
      this.#connection = this.#connect(hello);
      this.#isGuest = true;
      this.#outgoing.send(sessionFound(this.#reader.maxBytes));
      this.#connection.join(session);
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#joining = undefined;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const text of early) if (!this.#ending) this.#takeLine(text);
  }

  #connect({ server, project }: Hello): Connection {
    const outlet: Outlet = {
      send: (text) => this.#outgoing.send(text),
      end: () => {
        if (this.#isGuest && this.#connection?.isSettled) this.#outgoing.send(UNANSWERED);
        this.#end();
      },
    };
    const endpoint = requireEndpoint(this.#context, server);
    return new Connection({ context: this.#context, endpoint, project, outlet });
  }

  #refuse(error: unknown): void {
    if (!(error instanceof Fault)) throw error;
    this.#outgoing.send(error.toResponseText("null"));
    this.#end();
  }

  /**
   * Ends it from our side: what was said goes out, then our end; then the client's bytes are let through
   * until it closes, too. A TCP connection that is closed with unread bytes takes back what the other
   * side has not read yet.
   */
  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#connection?.close("the daemon closed the connection");
    this.#closeAfter(CLOSE_MS);
    this.#outgoing.flushed().then(() => this.#conn.closeWrite()).catch(() => {
      // The client was quicker, and the connection is closed.
    });
  }

  #closeAfter(ms: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#context.clock.after(ms, () => this.close());
  }

  /** Bytes read; null when the client has ended its side. */
  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#conn.read(buffer);
    } catch {
      return null; // The connection broke, or was closed here: the same as its end.
    }
  }

  async #write(texts: readonly string[]): Promise<void> {
    const bytes = utf8.encode(texts.join("\n") + "\n");
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }
}
