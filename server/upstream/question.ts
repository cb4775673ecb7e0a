/**
 * A question to a client, as the side of the server sees it.
 *
 * @module
 */

import type { JsonObject } from "../../protocol/json.ts";

/** What is asked. */
export interface Question {
  method: string;
  params: JsonObject | undefined;
  /** Takes the client's progress, without its token. Only when the question asks for progress. */
  onProgress?(params: JsonObject): void;
  /** Milliseconds until it is given up. */
  timeoutMs: number;
}

/** The client's answer: one of the two. */
export type Answer = { result: unknown } | { error: unknown };

/** A question that is open. */
export interface OpenQuestion {
  /** @throws {Fault} when there is no answer. */
  readonly answer: Promise<Answer>;
  /** Nobody wants the answer any more; the client is told. */
  cancel(reason: string): void;
}

/** Who can be asked. */
export interface Askable {
  /** What its client declared that it can do. */
  readonly capabilities: JsonObject;
  /** Level from which on it wants log messages; null when it wants none. */
  readonly logLevel: string | null;
  /** Gives its client a message that belongs to it. @returns false when there is no way to. */
  notify(text: string): boolean;
  /**
   * Whether its client is asked by the end of an answer. The call knows by itself then what its client
   * cannot be asked, and there is no other way to the client. Undefined: it is asked by requests.
   */
  readonly inRounds?: boolean;
  /** Asks its client. @param sure Whether the question can belong to nothing else of this client's. */
  ask(question: Question, sure: boolean): OpenQuestion;
  /** Calls back once no answer is of use any more. */
  whenSettled(callback: () => void): void;
}
