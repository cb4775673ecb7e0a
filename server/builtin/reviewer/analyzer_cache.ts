/**
 * Results by what they were made from: the text, what its name says of its language, and the rules. The
 * same text is reviewed once, whoever asks; to find a result, one must have the text.
 *
 * @module
 */

import type { Analyzer } from "./analyzer.ts";
import type { ReviewResult } from "./result.ts";
import { NOT_DONE, type ReviewInput } from "./review.ts";
import { rulesVersion } from "./rules.ts";

/** Bounds of the cache. */
export interface CacheBounds {
  /** Results kept. Default 4,000. */
  maxEntries?: number;
  /** What they may take together, characters of JSON. Default 8 Mi. */
  maxLength?: number;
}

interface Entry {
  result: ReviewResult;
  length: number;
}

/** An analyzer that remembers; the least recently used results are forgotten first. */
export function cachedAnalyzer(
  analyzer: Analyzer,
  { maxEntries = 4_000, maxLength = 8 * 1024 * 1024 }: CacheBounds = {},
): Analyzer {
  /** In the order of use. */
  const entries = new Map<string, Entry>();
  let total = 0;

  return {
    async review(input, signal) {
      const key = await keyOf(input);
      const known = take(key);
      if (known !== undefined) {
        put(key, known);
        return { ...known.result, path: input.path ?? "-" };
      }
      const result = await analyzer.review(input, signal);
      // A failure, and work that was cut short, may be of this moment only.
      if (result.status !== "failed" && !result.skipped?.includes(NOT_DONE)) {
        put(key, { result, length: JSON.stringify(result).length });
      }
      return result;
    },
    [Symbol.asyncDispose]() {
      entries.clear();
      return analyzer[Symbol.asyncDispose]();
    },
  };

  function take(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    entries.delete(key);
    total -= entry.length;
    return entry;
  }

  function put(key: string, entry: Entry): void {
    take(key);
    entries.set(key, entry);
    total += entry.length;
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries && total <= maxLength) return;
      take(oldest);
    }
  }
}

async function keyOf({ path = "-", content, language }: ReviewInput): Promise<string> {
  // Of the name, only its end decides anything.
  const end = /\.[^./\\]{0,20}$/.exec(path)?.[0].toLowerCase() ?? "";
  const text = JSON.stringify([await rulesVersion(), language ?? null, end]) + content;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64();
}
