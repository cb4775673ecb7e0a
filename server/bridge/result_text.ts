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
  const heads = [
    `{"jsonrpc":"2.0","id":${id},"result":{`,
    '{"result":{',
    '{"jsonrpc":"2.0","result":{',
  ];
  const start = heads.find((head) => text.startsWith(head))?.length;
  if (start === undefined || NAMES.some((name) => text.includes(name))) return undefined;
  const next = text.charCodeAt(start);
  // White space may hide either.
  if (next !== BRACE && next !== QUOTE) return undefined;
  const separator = next === BRACE ? "" : ",";
  return `${text.slice(0, start)}${members}${separator}${text.slice(start)}`;
}
