/**
 * Members added to a result in its text, without reading the result: nearly every answer of a legacy
 * server goes to a modern client with no more than that. They go to the front of the result, where it is
 * certain to begin whatever it holds.
 *
 * @module
 */

/**
 * What must not be there: the names themselves, whose quotes would be escaped within a string, and what
 * begins with an escape and may be one of them.
 */
const NAMES = ['"resultType"', '"_meta"', '"\\u'] as const;

const HEAD = '{"jsonrpc":"2.0","id":';
const AFTER_ID = ',"result":{';
const HEADS_WITHOUT_ID = ['{"result":{', '{"jsonrpc":"2.0","result":{'] as const;

const BRACE = 125;
const QUOTE = 34;

/**
 * A response with more members in its result.
 *
 * @param id JSON text of its id.
 * @param members JSON text: `"resultType":"complete"`.
 * @returns undefined when that takes reading: an error, a result that is no object or has one of them.
 */
export function withMembers(
  text: string,
  { id, members }: { id: string; members: string },
): string | undefined {
  const start = startOfResult(text, id);
  if (start === -1) return undefined;
  for (const name of NAMES) if (text.includes(name)) return undefined;
  const next = text.charCodeAt(start);
  // White space may hide either.
  if (next !== BRACE && next !== QUOTE) return undefined;
  const separator = next === BRACE ? "" : ",";
  return `${text.slice(0, start)}${members}${separator}${text.slice(start)}`;
}

/** Behind the brace of the result; -1 when it does not begin in one of the known ways. */
function startOfResult(text: string, id: string): number {
  if (text.startsWith(HEAD)) {
    const afterId = HEAD.length + id.length;
    const isKnown = text.startsWith(id, HEAD.length) && text.startsWith(AFTER_ID, afterId);
    return isKnown ? afterId + AFTER_ID.length : -1;
  }
  for (const head of HEADS_WITHOUT_ID) if (text.startsWith(head)) return head.length;
  return -1;
}
