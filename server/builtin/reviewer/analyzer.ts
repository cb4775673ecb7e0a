/**
 * Who does the work of a review. A server asks an analyzer and does not know where it works: in this
 * process, or in others that can be ended (`analyzer_pool.ts`).
 *
 * @module
 */

import { reviewText } from "./review.ts";
import type { ReviewInput } from "./review.ts";
import type { ReviewResult } from "./result.ts";

/** Does reviews. */
export interface Analyzer extends AsyncDisposable {
  /**
   * The review of one text. What goes wrong with the work itself is in the result (`failed`).
   *
   * @throws {RangeError} The named language is not known.
   * @throws The signal's reason, when nobody waits any more.
   */
  review(input: ReviewInput, signal?: AbortSignal): Promise<ReviewResult>;
}

/** In this process, one text after the other: for a process that does nothing else. */
export function localAnalyzer(): Analyzer {
  return {
    async review(input, signal) {
      signal?.throwIfAborted();
      return await reviewText(input);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
