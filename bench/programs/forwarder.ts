/**
 * The other bound: as little as passes calls on to servers behind it. One client whose ids it replaces by
 * its own; no sessions, no checks, no bounds, nothing but `tools/call`. What aichaku costs beyond this, it
 * costs for what it does.
 *
 *     forwarder.ts SERVER [COUNT]      COUNT processes of SERVER, at /mcp/0, /mcp/1, …; default 1
 *
 * Prints `{"url": …}` of the first as its first line.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { ChurningMap } from "../../platform/churning_map.ts";

interface Waiting {
  id: number;
  answer(response: Response): void;
}

const JSON_HEADERS = { headers: { "content-type": "application/json" } };
/** Of an answer of the echo server, up to its id. */
const HEAD = '{"jsonrpc":"2.0","id":';
const CHUNK = 64 * 1024;

/** One server, and the calls that wait for it. */
class Forwarder {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting = new ChurningMap<number, Waiting>();
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #isWriting = false;
  #lastId = 0;

  constructor(command: string, args: string[]) {
    const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = child.stdin.getWriter();
    this.#read(child.stdout.getReader({ mode: "byob" }));
  }

  call({ id, method, params }: { id: number; method: string; params: unknown }): Promise<Response> {
    const own = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.#waiting.set(own, { id, answer: resolve });
    this.#lines.push(JSON.stringify({ jsonrpc: "2.0", id: own, method, params }));
    if (!this.#isWriting) {
      this.#isWriting = true;
      // All lines of one turn of the event loop in one write.
      setImmediate(() => this.#write());
    }
    return promise;
  }

  async #write(): Promise<void> {
    while (this.#lines.length > 0) {
      const text = `${this.#lines.join("\n")}\n`;
      this.#lines = [];
      await this.#writer.write(this.#encoder.encode(text));
    }
    this.#isWriting = false;
  }

  async #read(reader: ReadableStreamBYOBReader): Promise<void> {
    const decoder = new TextDecoder();
    let buffer = new ArrayBuffer(CHUNK);
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      const text = rest + decoder.decode(value, { stream: true });
      buffer = value.buffer;
      let start = 0;
      for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
        this.#take(text.slice(start, end));
        start = end + 1;
      }
      rest = text.slice(start);
    }
  }

  #take(line: string): void {
    const end = line.indexOf(",", HEAD.length);
    const own = Number(line.slice(HEAD.length, end));
    const { id, answer } = this.#waiting.get(own)!;
    this.#waiting.delete(own);
    answer(new Response(HEAD + id + line.slice(end), JSON_HEADERS));
  }
}

const [command, count = "1"] = Deno.args;
const forwarders = Array.from(
  { length: Number(count) },
  // The same arguments as the daemon's in parts/scale.ts.
  (_, i) => new Forwarder(command, ["legacy", `echo${i}`]),
);

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp/0` })),
}, async (request) => {
  const { url } = request;
  const forwarder = forwarders[Number(url.slice(url.lastIndexOf("/") + 1))];
  return forwarder.call(JSON.parse(await request.text()));
});
