/**
 * Remote servers for tests: processes that listen on this machine, and that can be killed and started
 * again at the same address.
 *
 * @module
 */

import { onOwnPort } from "../../fixtures/own_port.ts";
import { fromFileUrl } from "@std/path";
import { within } from "./within.ts";

const SDK = fromFileUrl(new URL("../../fixtures/servers/remote_sdk.ts", import.meta.url));
const EVERYTHING = "npm:@modelcontextprotocol/server-everything@2026.8.31";

/** What to run. `everything-*` are the real servers from the registry. */
export type RemoteKind = "http" | "sse" | "ws" | "v2" | "everything-http" | "everything-sse";

/** Such a server. */
export class RemoteProcess implements AsyncDisposable {
  readonly kind: RemoteKind;
  readonly port: number;
  #child: Deno.ChildProcess;
  #lines: Lines;

  private constructor(kind: RemoteKind, port: number) {
    this.kind = kind;
    this.port = port;
    [this.#child, this.#lines] = spawn(kind, port);
  }

  /** Starts it at a port of the system's choice. */
  static async start(kind: RemoteKind): Promise<RemoteProcess> {
    const remote = new RemoteProcess(kind, freePort());
    await remote.#answers();
    return remote;
  }

  /** What an entry of `mcpServers` needs. */
  get entry(): { type: "http" | "sse" | "ws"; url: string } {
    const { kind, port } = this;
    if (kind === "ws") return { type: "ws", url: `ws://127.0.0.1:${port}/ws` };
    const isSse = kind.endsWith("sse");
    return {
      type: isSse ? "sse" : "http",
      url: `http://127.0.0.1:${port}/${isSse ? "sse" : "mcp"}`,
    };
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Kills it, and waits for its end. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#lines.end();
  }

  /** Another process in its place. */
  async startAgain(): Promise<void> {
    [this.#child, this.#lines] = spawn(this.kind, this.port);
    await this.#answers();
  }

  /** Waits until it has written `line`. */
  says(line: string): Promise<void> {
    return within(this.#lines.until(line), `${JSON.stringify(line)} from the remote server`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It was killed by the test.
    }
  }

  async #answers(): Promise<void> {
    const answers = async () => {
      while (true) {
        try {
          const response = await fetch(`http://127.0.0.1:${this.port}/nothing`);
          return await response.body?.cancel();
        } catch {
          // Not listening yet.
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    await within(answers(), `the remote server at ${this.port}`);
  }
}

/** The lines that a process writes, as they come. */
class Lines {
  readonly #reading: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #seen: string[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(stdout: ReadableStream<Uint8Array>) {
    this.#reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#reading = this.#read();
  }

  async until(line: string): Promise<void> {
    while (!this.#seen.join("").split("\n").includes(line)) await this.#wake.promise;
  }

  end(): Promise<void> {
    return this.#reading;
  }

  async #read(): Promise<void> {
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
      this.#seen.push(next.value);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }
}

function spawn(kind: RemoteKind, port: number): [Deno.ChildProcess, Lines] {
  const transport = { "everything-http": "streamableHttp", "everything-sse": "sse" } as const;
  const args = kind === "everything-http" || kind === "everything-sse"
    ? ["--no-config", EVERYTHING, transport[kind]]
    : ["--no-check", SDK, kind, "--port", `${port}`];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--quiet", ...args],
    env: { PORT: `${port}` },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  return [child, new Lines(child.stdout)];
}

/** A port that nobody listened at a moment ago. */
export function freePort(): number {
  using listener = onOwnPort((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  return (listener.addr as Deno.NetAddr).port;
}
