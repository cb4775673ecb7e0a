/**
 * What a client's line was that was too long to be read: as much of that as its two ends say.
 *
 * Guarantees: only members of the message itself are looked at, never what stands within one; where the
 * ends contradict each other, there is no id. Not guaranteed: that an id between long members is found.
 *
 * @module
 */

import { parseJson } from "../../protocol/json.ts";
import { idText } from "../../protocol/message.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";

/** What the ends of a line say. */
export interface Glimpse {
  /** Whether it answers what a server asked; false also where nothing says so. */
  isAnswer: boolean;
  /** JSON text of its id; undefined where it could not be read. */
  id: string | undefined;
}

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const SCALAR = String.raw`(?:${STRING}|-?\d+|null|true|false)`;
/** A member at the start of what is left, and its value if that is short and another member follows. */
const MEMBER = new RegExp(String.raw`^\s*(${STRING})\s*:(?:\s*(${SCALAR})\s*,)?`);
/** An id as the last member, or before the version: no brace but the message's own stands last. */
const LAST_ID = new RegExp(
  String.raw`,\s*"id"\s*:\s*(${STRING}|-?\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$`,
);

/** Looks at the two ends of a line. */
export function glimpseOf({ head, tail }: LineEnds): Glimpse {
  let isAnswer = false;
  const ids: string[] = [];
  let rest = /^\s*\{/.test(head) ? head.slice(head.indexOf("{") + 1) : "";
  // Up to the first member that is no short one: what is long is there, or behind it.
  for (let member = MEMBER.exec(rest); member !== null; member = MEMBER.exec(rest)) {
    const [whole, key, value] = member;
    if (key === '"result"' || key === '"error"') isAnswer = true;
    if (value === undefined) break;
    if (key === '"id"') ids.push(value);
    rest = rest.slice(whole.length);
  }
  const last = LAST_ID.exec(tail)?.[1];
  if (last !== undefined) ids.push(last);
  const [id, ...others] = ids.map((text) => idText(parseJson(text)));
  return { isAnswer, id: others.some((other) => other !== id) ? undefined : id };
}
