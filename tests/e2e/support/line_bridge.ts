/**
 * A stdio bridge driven by hand: what is written, what comes back, in order.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DaemonFixture } from "../../fixtures/daemon.ts";
import type { Json } from "./mcp_session.ts";
import { eventually, within } from "./within.ts";

/** One process `aichaku mcp --stdio`. */
export class LineBridge implements AsyncDisposable {
  /** The process itself. Its standard output is read here. */
  readonly child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  /** Everything that it wrote, in order. */
  readonly messages: Json[] = [];

  /** @param stderr What becomes of its standard error; a piped one is the test's to read. */
  constructor(home: DaemonFixture, args: string[], stderr: "null" | "piped" = "null") {
    this.child = home.command(["mcp", "--stdio", ...args], { stdin: "piped", stderr }).spawn();
    this.#writer = this.child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async write(...messages: Json[]): Promise<void> {
    const lines = messages.map((one) => typeof one === "string" ? one : JSON.stringify(one));
    await this.#writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  async answerTo(id: Json): Promise<Json> {
    return await eventually(
      () => this.messages.find((one) => one.method === undefined && one.id === id),
      `answer to ${id}`,
    );
  }

  /** Ends its input. @returns the exit code. */
  async end(): Promise<number> {
    await this.#writer.close();
    return await this.ended();
  }

  /** Waits for its end. @returns the exit code. */
  async ended(): Promise<number> {
    const { code } = await within(this.child.status, "end of the bridge");
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Ended already where the test ended it.
    await this.#writer.close().catch(() => {});
    await within(this.child.status, "end of the bridge");
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const chunk of this.child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.messages.push(JSON.parse(line));
    }
    assert.equal(rest, "", "the bridge wrote half a line");
  }
}
