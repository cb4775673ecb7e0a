/**
 * Questions for a client that cannot be asked yet: it is about to begin its session, and has neither a
 * stream open nor a call under way. A server asks for roots just then.
 *
 * Guarantees: each is asked once, as soon as {@linkcode DeferredQuestions.flush} is called, or ends with
 * a fault: when nobody came in time, or it was cancelled.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { Answer, OpenQuestion, Question } from "../upstream/question.ts";

/** A question that waits. */
interface Deferred {
  question: Question;
  answer: PromiseWithResolvers<Answer>;
  /** Once it was asked. */
  open: OpenQuestion | undefined;
  timer: Disposable;
}

/** The questions that wait for one client. */
export class DeferredQuestions {
  readonly #clock: Clock;
  readonly #waiting = new Set<Deferred>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Questions that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Keeps a question until the client can be asked. */
  add(question: Question): OpenQuestion {
    const { method, timeoutMs } = question;
    const answer = Promise.withResolvers<Answer>();
    // Whoever asked may have lost interest, and then nobody looks at the outcome.
    answer.promise.catch(() => {});
    const timer = this.#clock.after(timeoutMs, () =>
      this.#drop(
        deferred,
        new Fault("unattributable", `Cannot ask the client ${method}: it has no stream open`),
      ));
    const deferred: Deferred = { question, answer, open: undefined, timer };
    this.#waiting.add(deferred);
    return {
      answer: answer.promise,
      cancel: (reason) => {
        if (deferred.open !== undefined) deferred.open.cancel(reason);
        else this.#drop(deferred, new Fault("cancelled", `${method}: ${reason}`));
      },
    };
  }

  /** The client can be asked now. */
  flush(ask: (question: Question) => OpenQuestion): void {
    for (const deferred of [...this.#waiting]) {
      this.#take(deferred);
      deferred.open = ask(deferred.question);
      deferred.open.answer.then(deferred.answer.resolve, deferred.answer.reject);
    }
  }

  /** Ends all of them: the client is gone. */
  clear(fault: Fault): void {
    for (const deferred of [...this.#waiting]) this.#drop(deferred, fault);
  }

  #drop(deferred: Deferred, fault: Fault): void {
    this.#take(deferred);
    deferred.answer.reject(fault);
  }

  #take(deferred: Deferred): void {
    this.#waiting.delete(deferred);
    deferred.timer[Symbol.dispose]();
  }
}
