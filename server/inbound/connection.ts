/**
 * A client on a connection of its own: HTTP+SSE, WebSocket, Unix socket, TCP. Messages come in and go
 * out in any order; the session begins with the first message that needs one and ends with the
 * connection, and the connection with the session.
 *
 * A session that began over Streamable HTTP may be taken up by a connection ({@linkcode Connection.join}),
 * which is then its stream and its requests in one. It does not end with the connection, and what is in
 * flight goes on, as there; the answers are dropped.
 *
 * A client that never sends `initialize` (`nc`, a script) is served as `/rpc` would: by a light session,
 * which is asked nothing and declares nothing.
 *
 * Guarantees: every request that was taken is answered once while the connection lasts; when it is over,
 * nothing of it is left in flight. What piles up for a client that does not read is bounded by the
 * {@linkcode Outlet}.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { isModernRequest } from "../../protocol/modern.ts";
import { type Message, MessageFault, type RequestMessage } from "../../protocol/message.ts";
import type { Reply } from "../exchange/call.ts";
import type { Endpoint } from "../exchange/endpoint.ts";
import type { MailboxReader } from "../exchange/mailbox.ts";
import type { Session } from "../exchange/session.ts";
import { answersOf, submitBatch } from "./batch.ts";
import type { InboundContext } from "./context.ts";
import { type Batch, checkBatch, type Incoming, parseIncoming } from "./incoming.ts";
import { createSession } from "./initialize.ts";
import { type ModernIdentity, readModernIdentity } from "./modern_request.ts";

/** The way out to the client. */
export interface Outlet {
  /** Hands over a message. @param answerTo JSON text of the id it answers, if it is an answer. */
  send(text: string, answerTo?: string): void;
  /** Nothing more comes: what was handed over goes out, then the connection closes. */
  end(reason: string): void;
}

/** Options of {@linkcode Connection}. */
export interface ConnectionOptions {
  context: InboundContext;
  endpoint: Endpoint;
  /** Folder that the client named as its project. */
  project: string | undefined;
  outlet: Outlet;
}

/** One client's connection. */
export class Connection {
  /** Also the id of its session. */
  readonly id = crypto.randomUUID();
  readonly endpoint: Endpoint;
  readonly #options: ConnectionOptions;
  /** Its session is older than it, and goes on when it ends. */
  #isGuest = false;
  readonly #reader: MailboxReader = {
    wake: () => this.#deliver(),
    superseded: () => void this.#makeWay(),
  };
  #session: Session | undefined;
  /** The same client, as far as it speaks the modern era. */
  #modern: Session | undefined;
  /** Requests that were taken and not answered. */
  #open = 0;
  #closed = false;
  /** While the client cancels a request of the modern era. */
  #isCancelling = false;
  #settled: PromiseWithResolvers<void> | undefined;

  /** @throws {Fault} when there are too many connections, or the daemon is stopping. */
  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    options.context.connections.add(this);
  }

  /** Whether its client has not begun a session. */
  get isSilent(): boolean {
    return this.#session === undefined && this.#modern === undefined;
  }

  /** Whether what was taken has its answer, and what has none was never taken. */
  get isSettled(): boolean {
    return this.#open === 0;
  }

  /**
   * Speaks for a session that began elsewhere; before anything was received. Whoever read its mailbox
   * does not any more.
   */
  join(session: Session): void {
    this.#isGuest = true;
    this.#session = session;
    session.mailbox.attach(this.#reader);
  }

  /** Resolves when no request is without its answer. */
  get settled(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  /**
   * Takes a text of the client's. Whatever is wrong with it is answered through the outlet.
   *
   * @returns whether it was a message, or several; refused or not.
   */
  receive(text: string): boolean {
    let incoming: Incoming;
    try {
      incoming = parseIncoming(text);
    } catch (error) {
      this.#send(faultText(error));
      return false;
    }
    try {
      this.take(incoming);
    } catch (error) {
      if (!(error instanceof Fault)) {
        this.#options.context.log.error("fault while taking a message", { error });
      }
      this.#send(faultText(error, incoming.kind === "request" ? incoming.id : undefined));
    }
    return true;
  }

  /**
   * Takes what was read of a text.
   *
   * @throws {Fault} when it is refused. What was accepted is answered through the outlet.
   */
  take(incoming: Incoming): void {
    if (this.#closed) return;
    if (incoming.kind === "batch") return this.#takeBatch(incoming.batch);
    if (incoming.kind !== "request") return this.#takeNotification(incoming);
    const session = this.#sessionFor(incoming);
    const { id } = incoming;
    const reply = this.#reply(id);
    this.#open++;
    try {
      session.touch();
      this.#options.context.exchange.request(session, incoming, {
        answer: (text, fault) => {
          // Of a request that its client cancels nothing more is said (MCP 2026-07-28, transports/stdio).
          // What ended for another reason it waits for.
          const isSilent = this.#isCancelling && session.isModern && fault?.reason === "cancelled";
          if (!isSilent) reply.answer(text, fault);
          const failed = incoming.method === "initialize" && fault !== undefined;
          // The client may try again, as if nothing had been.
          if (failed) this.#leave(session, "it could not begin");
          this.#answered();
        },
        notify: reply.notify,
      });
    } catch (error) {
      if (incoming.method === "initialize") this.#leave(session, "it could not begin");
      this.#answered();
      throw error;
    }
  }

  /** The client is gone: its session ends. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.context.connections.delete(this);
    if (this.#session !== undefined) this.#leave(this.#session, reason);
    if (this.#modern !== undefined) this.#options.context.sessions.end(this.#modern, reason);
  }

  /** Ends it from our side. */
  end(reason: string): void {
    if (this.#closed) return;
    this.close(reason);
    this.#options.outlet.end(reason);
  }

  /** Each request says which era it is of; a connection may be used for both. */
  #sessionFor(message: RequestMessage): Session {
    if (isModernRequest(message.params)) {
      const identity = readModernIdentity(message);
      return this.#modern ??= this.#beginModern(identity);
    }
    if (message.method === "initialize") return this.#initialize(message);
    return this.#session ?? this.#begin("light");
  }

  /** The connection is the name of its client: nobody else can use it. */
  #beginModern(identity: ModernIdentity): Session {
    const { context: { sessions }, endpoint, project } = this.#options;
    const session = sessions.create({
      kind: "modern",
      id: `${this.id}-modern`,
      endpoint,
      project,
      ...identity,
    });
    session.connection = this;
    return session;
  }

  #initialize(message: RequestMessage): Session {
    const session = this.#session;
    if (session !== undefined) {
      if (session.kind === "mcp" || session.calls.size > 0) {
        throw new MessageFault(
          "invalid_request",
          "Cannot initialize a session twice; open another connection for another session",
          message.id,
        );
      }
      this.#leave(session, "its client initializes");
    }
    return this.#begin("mcp", message);
  }

  #begin(kind: "light"): Session;
  #begin(kind: "mcp", message: RequestMessage): Session;
  #begin(_kind: "light" | "mcp", message?: RequestMessage): Session {
    const { context: { sessions }, endpoint, project } = this.#options;
    const { id } = this;
    const session = message === undefined
      ? sessions.create({ kind: "light", endpoint, id, project })
      // It ends with the connection: nobody could come back to it.
      : createSession(sessions, { endpoint, project, message, id, keep: false });
    this.#session = session;
    session.mailbox.attach(this.#reader);
    return session;
  }

  #leave(session: Session, reason: string): void {
    if (this.#session === session) this.#session = undefined;
    session.mailbox.detach(this.#reader);
    if (this.#isGuest) return session.touch();
    if (!session.ended) this.#options.context.sessions.end(session, reason);
  }

  #takeNotification(message: Exclude<Message, RequestMessage>): void {
    if (message.kind === "notification" && this.#modern !== undefined) {
      // Only a cancellation means anything, and it names its request, which ends before this returns.
      this.#isCancelling = true;
      try {
        this.#options.context.exchange.notification(this.#modern, message);
      } finally {
        this.#isCancelling = false;
      }
      if (this.#session === undefined) return;
    }
    const session = this.#session;
    if (session !== undefined) {
      session.touch();
      return this.#options.context.exchange.notification(session, message);
    }
    if (message.kind === "notification") return; // There is nothing yet that it could concern.
    throw new MessageFault(
      "invalid_request",
      `Cannot take the answer: no question with id ${message.id} was asked of this client`,
    );
  }

  /** The answers go out together, as JSON-RPC has it. */
  #takeBatch(batch: Batch): void {
    const session = this.#session;
    checkBatch(session);
    const answers: string[] = [];
    const expected = answersOf(batch);
    if (expected > 0) this.#open++;
    submitBatch(this.#options.context.exchange, {
      session: session!,
      batch,
      reply: {
        answer: (text) => {
          if (answers.push(text) < expected) return;
          this.#send(`[${answers.join(",")}]`, "null");
          this.#answered();
        },
        notify: (text) => this.#send(text),
      },
    });
  }

  #reply(id: string): Reply {
    return {
      answer: (text) => void this.#send(text, id),
      notify: (text) => this.#send(text),
    };
  }

  #answered(): void {
    if (--this.#open > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  #send(text: string, answerTo?: string): boolean {
    if (this.#closed) return false;
    this.#options.outlet.send(text, answerTo);
    return true;
  }

  /** Its session's messages go elsewhere now. What it took as a guest, it still answers. */
  async #makeWay(): Promise<void> {
    while (this.#isGuest && this.#open > 0 && !this.#closed) await this.settled;
    this.end("its session is used elsewhere");
  }

  /** What belongs to no call, and the end of the session. */
  #deliver(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (const { text } of session.mailbox.take(this.#reader)) this.#send(text);
    if (session.mailbox.done) this.end("the session ended");
  }
}

/** A fault as the text that a client is sent. @param id JSON text of the request's id. */
function faultText(error: unknown, id = "null"): string {
  const fault = asFault(error);
  return fault.toResponseText(fault instanceof MessageFault ? fault.id : id);
}
