/**
 * Where messages of all clients meet: what arrived is admitted or refused, becomes a call, and goes to
 * the endpoint of its session. Inbound transports call this and nothing deeper.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { nestsDeeperThan } from "../../protocol/json.ts";
import {
  describe,
  idText,
  type Message,
  MessageFault,
  type NotificationMessage,
  type RequestMessage,
} from "../../protocol/message.ts";
import type { Limits } from "../config/types.ts";
import type { Logger } from "../daemon/log.ts";
import { Call, type CallOptions, keyOfId, type Reply } from "./call.ts";
import type { Session } from "./session.ts";

/**
 * Levels that params may nest. Far more than any tool needs, and few enough that no parser behind us
 * gives up: a server that dies of one client's message dies for all of them.
 */
const MAX_DEPTH = 256;

/** Takes messages of sessions. */
export class Exchange {
  readonly #limits: Limits;
  readonly #log: Logger;
  #draining: string | undefined;

  constructor(limits: Limits, log: Logger) {
    this.#limits = limits;
    this.#log = log;
  }

  /** The fault that refuses all new work while the daemon stops; undefined while it serves. */
  get refusal(): Fault | undefined {
    return this.#draining === undefined
      ? undefined
      : new Fault("draining", `The daemon is stopping (${this.#draining}); try again in a moment`);
  }

  /** From now on, refuses new work. */
  drain(reason: string): void {
    this.#draining = reason;
  }

  /**
   * Takes a request, and returns its call. `reply.answer` is called exactly once, perhaps before this returns.
   *
   * @throws {MessageFault} when the id is in flight in this session: an answer under that id would be
   * taken for the other call's.
   */
  request(
    session: Session,
    message: RequestMessage,
    reply: Reply,
    options: CallOptions = {},
  ): Call {
    // Requests of the modern era are independent of each other, ids included.
    if (!session.isModern && session.calls.has(keyOfId(message.id))) {
      throw new MessageFault(
        "invalid_request",
        `Cannot take ${describe(message.method)}: id ${message.id} is still in flight in this ` +
          `session; use another id`,
        message.id,
      );
    }
    if (nestsDeeperThan(message.params, MAX_DEPTH)) {
      throw new MessageFault(
        "invalid_request",
        `Cannot take ${describe(message.method)}: its params nest more than ${MAX_DEPTH} levels`,
        message.id,
      );
    }
    const call = new Call(session, message, reply, options);
    const refusal = this.refusal ?? this.#overload(session);
    if (refusal !== undefined) {
      call.fail(refusal);
      return call;
    }
    session.calls.set(call.key, call);
    if (call.method === "initialize" && !session.isModern) {
      this.#initialize(call);
      return call;
    }
    session.reached();
    try {
      session.endpoint.request(call);
    } catch (error) {
      // From here on the call is accepted, and whatever goes wrong, it is answered.
      this.#log.error("fault while taking a call", { method: describe(call.method), error });
      call.fail(asFault(error));
    }
    return call;
  }

  /**
   * Takes what wants no answer: notifications, and answers to what was asked of the client.
   *
   * @throws {MessageFault} for an answer nobody asked for.
   */
  notification(session: Session, message: Exclude<Message, RequestMessage>): void {
    if (message.kind === "response") {
      if (session.questions.answer(message)) return session.touch();
      throw new MessageFault(
        "invalid_request",
        `Cannot take the answer: no question with id ${message.id} was asked of this session`,
      );
    }
    if (message.method === "notifications/cancelled") return cancel(session, message);
    // A modern client says nothing else outside of requests.
    if (session.isModern) return;
    if (message.method === "notifications/progress") {
      return session.questions.progress(message.params ?? {});
    }
    session.reached();
    session.endpoint.notification(session, message);
  }

  async #initialize(call: Call): Promise<void> {
    try {
      call.succeed(await call.session.endpoint.initialize(call.session, call.params));
    } catch (error) {
      const fault = asFault(error);
      if (fault.reason === "internal") this.#log.error("fault while initializing", { error });
      call.fail(fault);
    }
  }

  #overload(session: Session): Fault | undefined {
    const { maxCallsPerSession, maxQueuedPerSession } = this.#limits;
    const limit = maxCallsPerSession + maxQueuedPerSession;
    if (session.calls.size < limit) return undefined;
    return new Fault(
      "overloaded",
      `This session has ${limit} calls in flight; wait for answers, or raise ` +
        `"server.limits.maxQueuedPerSession" in config.json`,
    );
  }
}

/** Cancels the call named, if it is one of this session's. Source: MCP, basic/utilities/cancellation. */
function cancel(session: Session, { params }: NotificationMessage): void {
  const id = idText(params?.requestId);
  const reason = typeof params?.reason === "string" ? params.reason : "the client cancelled it";
  if (id === undefined) return;
  // An unknown id is no fault: the answer may have crossed the cancellation.
  if (!session.isModern) return session.calls.get(keyOfId(id))?.cancel(reason);
  for (const call of [...session.calls.values()]) if (call.id === id) call.cancel(reason);
}
