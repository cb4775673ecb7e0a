/**
 * About how much memory parsed JSON holds, without writing it out: for bounds, not for bookkeeping.
 *
 * @module
 */

/** What a value costs beside the characters in it. */
const NODE = 8;

/**
 * Characters of the strings and keys in `value`, and 8 for each value. Nesting of any depth is fine; the
 * time goes by the number of values, not by the length of strings.
 */
export function weightOf(value: unknown): number {
  let weight = 0;
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    weight += NODE;
    if (typeof next === "string") weight += next.length;
    else if (Array.isArray(next)) { for (const item of next) rest.push(item); }
    else if (typeof next === "object" && next !== null) {
      for (const key in next) {
        weight += key.length;
        rest.push((next as Record<string, unknown>)[key]);
      }
    }
  }
  return weight;
}
