/**
 * One wait: a signal that fires when the caller aborts, when the deadline passes or when somebody else
 * ends it, always with an {@linkcode AichakuError} as its reason.
 *
 * `AbortSignal.timeout` and `AbortSignal.any` are not used: the timer of the first does not keep a
 * process alive, which would then end in the middle of a call, and both keep their listeners until
 * they are collected.
 *
 * @module
 */

import { AichakuError, messageOf } from "./errors.ts";
import { onAbort } from "./on_abort.ts";

/** A running wait. `end()` must be called when it is over: it frees the timer and the listener. */
export class Scope {
  readonly #action: string;
  readonly #controller = new AbortController();
  readonly #stopListening: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param action For messages: `call tool "echo" of server "sample"`.
   * @param signal The caller's.
   */
  constructor(action: string, signal?: AbortSignal) {
    this.#action = action;
    this.#stopListening = onAbort(signal, () => this.abort(this.#abortedBy(signal?.reason)));
  }

  /** Sets the deadline, from now on, unless there is one already. @param advice What to do next. */
  setDeadline(ms: number, advice: string): void {
    if (this.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.abort(
        new AichakuError("timeout", `Cannot ${this.#action}: no answer within ${ms} ms; ${advice}`),
      );
    }, ms);
  }

  /** Fires when the wait is to end early; its reason is an {@linkcode AichakuError}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the wait early. Does nothing the second time. */
  abort(reason: AichakuError): void {
    this.#controller.abort(reason);
  }

  /** Frees the timer and the listener. */
  end(): void {
    clearTimeout(this.#timer);
    this.#stopListening();
  }

  #abortedBy(reason: unknown): AichakuError {
    return new AichakuError(
      "aborted",
      `Cannot ${this.#action}: aborted by the caller (${messageOf(reason)})`,
      { cause: reason },
    );
  }
}

/**
 * `promise`, unless the signal fires first: then its reason, whatever the promise does later. This is
 * what makes sure that nothing waits for something that ignores its signal.
 */
export function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(stop);
  });
}

/** Waits; the signal's reason is thrown when it fires first. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, ms);
    const stop = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
