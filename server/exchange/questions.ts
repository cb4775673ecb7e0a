/**
 * What is asked of a client while it asks things of us: `roots/list`, `elicitation/create`,
 * `sampling/createMessage`. A question goes out on the stream of the call it belongs to, or on the
 * client's own stream, and is answered by a message that comes the other way.
 *
 * Guarantees: every question ends exactly once, with the client's answer or a fault; an id is never used
 * twice, not even after a restart of the daemon; an answer that comes too late is dropped.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import type { Answer, OpenQuestion, Question } from "../upstream/question.ts";
import {
  idText,
  notificationText,
  requestText,
  type ResponseMessage,
} from "../../protocol/message.ts";

/** What is asked, and how it reaches the client. */
export interface ClientQuestion extends Question {
  /**
   * Sends a text to the client by the best way there is now.
   *
   * @returns false when there is none.
   */
  send(text: string): boolean;
}

interface Open {
  question: ClientQuestion;
  settled: PromiseWithResolvers<Answer>;
  timer: Disposable;
}

/** Every id made here begins so: whatever else is answered was never asked. */
const ID_PREFIX = "aichaku-";

/** The questions open at one client. */
export class Questions {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Questions that are not answered yet. */
  get size(): number {
    return this.#open.size;
  }

  /** Asks. A question that cannot be sent has failed already. */
  ask(question: ClientQuestion): OpenQuestion {
    const name = ID_PREFIX + crypto.randomUUID();
    const id = JSON.stringify(name);
    const settled = Promise.withResolvers<Answer>();
    // Whoever asked may have lost interest, and then nobody looks at the outcome.
    settled.promise.catch(() => {});
    const { method, timeoutMs } = question;
    const params = question.onProgress === undefined
      ? question.params
      : { ...question.params, _meta: { ...metaOf(question.params), progressToken: name } };
    const giveUp = (reason: string, fault: Fault) => this.#giveUp(id, reason, fault);
    const timer = this.#clock.after(timeoutMs, () =>
      giveUp(
        "no answer in time",
        new Fault("upstream_timeout", `The client did not answer ${method} within ${timeoutMs} ms`),
      ));
    this.#open.set(id, { question, settled, timer });
    if (!question.send(requestText(id, method, params))) {
      this.#take(id)?.settled.reject(
        new Fault("unattributable", `Cannot ask the client ${method}: it has no stream open`),
      );
    }
    return {
      answer: settled.promise,
      cancel: (reason) => giveUp(reason, new Fault("cancelled", `${method}: ${reason}`)),
    };
  }

  /** Takes an answer. @returns false when it answers nothing that was ever asked. */
  answer({ id, result, error }: ResponseMessage): boolean {
    const open = this.#take(id);
    if (open === undefined) return id.startsWith(`"${ID_PREFIX}`);
    open.settled.resolve(error === undefined ? { result } : { error });
    return true;
  }

  /** Takes a `notifications/progress` of the client's. */
  progress({ progressToken, ...rest }: JsonObject): void {
    const open = this.#open.get(idText(progressToken) ?? "");
    open?.question.onProgress?.(rest);
  }

  /** Ends all of them: the client is gone. */
  clear(fault: Fault): void {
    for (const id of [...this.#open.keys()]) this.#take(id)?.settled.reject(fault);
  }

  #giveUp(id: string, reason: string, fault: Fault): void {
    const open = this.#take(id);
    if (open === undefined) return;
    open.question.send(
      notificationText("notifications/cancelled", { requestId: JSON.parse(id), reason }),
    );
    open.settled.reject(fault);
  }

  #take(id: string): Open | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.timer[Symbol.dispose]();
    return open;
  }
}

function metaOf(params: JsonObject | undefined): JsonObject {
  return isObject(params?._meta) ? params._meta : {};
}
