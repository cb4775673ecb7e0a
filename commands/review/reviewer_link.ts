/**
 * The way to a reviewer: over the daemon when one runs, else through a process of our own; and through
 * that process as well when the daemon dies, hangs or refuses midway. A review changes nothing, so that
 * asking twice does no harm, and whoever answers gives the same answer.
 *
 * When the process of our own cannot be used either, the first call that finds out waits for it; every
 * later one fails at once, with the same reason. So a review ends, however many files it has.
 *
 * @module
 */

import type { CallToolResult } from "../../client/mod.ts";

/** The part of `AichakuClient` that is used. */
export interface ReviewClient {
  callTool(
    name: string,
    args: Record<string, unknown>,
    options: { signal: AbortSignal },
  ): Promise<CallToolResult>;
  close(): Promise<void>;
}

/** Makes a client that does not connect yet. `auto`: the daemon, else a process; `spawn`: a process. */
export type MakeClient = (mode: "auto" | "spawn") => ReviewClient;

/** Asks one reviewer after the other. */
export class ReviewerLink implements AsyncDisposable {
  readonly #make: MakeClient;
  readonly #first: ReviewClient;
  #second: ReviewClient | undefined;
  /** Set once the second has answered: it works, and an error of it is only that call's. */
  #secondWorks = false;
  #failure: unknown;

  constructor(make: MakeClient) {
    this.#make = make;
    this.#first = make("auto");
  }

  /** One review. Rejects when no reviewer could be asked, or with the signal's reason. */
  review(args: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult> {
    return this.call("review_file", args, signal);
  }

  /** Any tool of the reviewer's that may be asked twice. Rejects as {@linkcode review}. */
  async call(
    tool: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<CallToolResult> {
    if (this.#second === undefined) {
      try {
        return await this.#first.callTool(tool, args, { signal });
      } catch {
        // Whatever it was, the second way shows whether it lies with the first.
        signal.throwIfAborted();
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#second ??= this.#make("spawn");
    try {
      const answer = await this.#second.callTool(tool, args, { signal });
      this.#secondWorks = true;
      return answer;
    } catch (error) {
      if (!this.#secondWorks && !signal.aborted) this.#failure = error;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#first.close(), this.#second?.close()]);
  }
}
