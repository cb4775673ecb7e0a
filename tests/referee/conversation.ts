/**
 * What was said on one wire: what the referee judges.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

export type Side = "client" | "server";

/** Everything that was said on one wire. */
export interface Conversation {
  /** For the report. */
  name: string;
  /** Which side is this program. Default: none in particular. */
  ours?: Side;
  fromClient: readonly Json[];
  fromServer: readonly Json[];
  /** The revision that the transport names. */
  revision?: string;
  /** Messages are exchanged one by one, and their ids need not differ. */
  light?: boolean;
  /** Something was said that is not here: an answer may be to that. */
  incomplete?: boolean;
}

/** Something that was said and is no JSON. */
export class Unreadable {
  constructor(readonly text: string) {}
}
