/**
 * The end of a daemon's life: `serving → draining → stopped`, never back. One union, one transition
 * function; {@linkcode Shutdown} keeps the current state and lets one caller wait for the change.
 *
 * @module
 */

/** Where the daemon is. */
export type LifeState =
  | { readonly kind: "serving" }
  | { readonly kind: "draining"; readonly reason: string }
  | { readonly kind: "stopped"; readonly reason: string };

/** What can happen to it. */
export type LifeEvent =
  /** Somebody asked: a signal, `POST /shutdown`. Only the first one's reason is kept. */
  | { readonly type: "requested"; readonly reason: string }
  /** What ran has ended, streams and children are gone. */
  | { readonly type: "drained" };

/** The next state. An event that means nothing in a state leaves it as it is. */
export function transition(state: LifeState, event: LifeEvent): LifeState {
  switch (state.kind) {
    case "serving":
      return event.type === "requested" ? { kind: "draining", reason: event.reason } : state;
    case "draining":
      return event.type === "drained" ? { kind: "stopped", reason: state.reason } : state;
    case "stopped":
      return state;
  }
}

/** The state of one daemon. */
export class Shutdown {
  #state: LifeState = { kind: "serving" };
  readonly #requested = Promise.withResolvers<string>();

  get state(): LifeState {
    return this.#state;
  }

  /** Resolves with the reason when draining begins. */
  get requested(): Promise<string> {
    return this.#requested.promise;
  }

  /** Asks for the end. Returns whether this was the first to ask. */
  request(reason: string): boolean {
    return this.#apply({ type: "requested", reason });
  }

  /** Draining is over. */
  drained(): void {
    this.#apply({ type: "drained" });
  }

  #apply(event: LifeEvent): boolean {
    const before = this.#state;
    this.#state = transition(before, event);
    if (this.#state === before) return false;
    if (this.#state.kind === "draining") this.#requested.resolve(this.#state.reason);
    return true;
  }
}
