/**
 * The time one review may take, looked at between steps and inside the parser.
 *
 * @module
 */

/** Time is up. */
export class TimeIsUp extends Error {
  override name = "TimeIsUp";
}

/** A moment after which work stops. */
export class Deadline {
  readonly #now: () => number;
  readonly #end: number;

  /** @param ms Milliseconds from now. @param now Milliseconds that only go forward. */
  constructor(ms: number, now: () => number) {
    this.#now = now;
    this.#end = now() + ms;
  }

  get passed(): boolean {
    return this.#now() > this.#end;
  }

  /** @throws {TimeIsUp} */
  check(): void {
    if (this.passed) throw new TimeIsUp("The time for this file is up");
  }
}
