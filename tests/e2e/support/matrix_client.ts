/**
 * What the matrix does with a client of any revision on any transport, and what every such client has in
 * common: it answers questions with its own name, and keeps everything that went over its wire.
 *
 * @module
 */

import type { Json } from "./mcp_session.ts";
import { within } from "./within.ts";

/** Options of a call. */
export interface MatrixCallOptions {
  /** Told the progress of the call. */
  onProgress?: (progress: number) => void;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/** One client of the matrix. */
export interface MatrixClient extends AsyncDisposable {
  /** Its answer to every question. */
  readonly name: string;
  readonly seen: Seen;
  /** Names of the tools. */
  list(): Promise<string[]>;
  /** Calls a tool and gives its text. Fails when the tool or the daemon did. */
  call(tool: string, args: Json, options?: MatrixCallOptions): Promise<string>;
  /** Wants to hear of changes of a resource, and of the list of tools. */
  listen(uri: string): Promise<void>;
}

/** What reached a client, and what it said. */
export class Seen {
  readonly fromClient: Json[] = [];
  readonly fromServer: Json[] = [];
  /** Texts of the questions it was asked. */
  readonly questions: string[] = [];
  readonly #notifications: Json[] = [];
  #waiting: (() => void)[] = [];

  /** A notification that belongs to no call came. */
  notify(notification: Json): void {
    this.#notifications.push(notification);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when such a notification came, or has come. */
  async until(matches: (notification: Json) => boolean, what: string): Promise<void> {
    const found = (async () => {
      while (!this.#notifications.some(matches)) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    })();
    await within(found, what);
  }
}

/** What a client called `name` answers when it is asked. */
export function answerOf(name: string, seen: Seen, { method, params }: Json): Json {
  if (method === "elicitation/create") {
    seen.questions.push(params.message);
    return { action: "accept", content: { answer: name } };
  }
  if (method === "sampling/createMessage") {
    seen.questions.push(params.messages[0].content.text);
    return { role: "assistant", model: name, content: { type: "text", text: name } };
  }
  throw new Error(`Asked for ${method}, which nobody declared`);
}

/** The text of a tool's result; an error of the tool is thrown. */
export function textOf(result: Json): string {
  const { text } = result.content[0];
  if (result.isError) throw new Error(text);
  return text;
}
