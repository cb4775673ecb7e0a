/**
 * What a client feels beside another one that keeps a thousand calls waiting: both on connections of
 * their own at one shared server.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import type { Part, PartOptions, Section } from "../section.ts";

export const FLOOD: Part = { name: "flood", contenders: [], inQuick: false, run };

/** Latencies of single calls, milliseconds. */
interface Latencies {
  p50: number;
  p99: number;
  calls: number;
}

/** What was measured. */
interface Flood {
  /** Calls that the flooding client keeps waiting. */
  queued: number;
  /** One call at a time, with nobody beside. */
  alone: Latencies;
  /** The same while the other floods. */
  beside: Latencies;
  /** The flooding client's own calls. */
  flooding: Latencies;
}

const QUEUED = 1_000;

/** A client on the daemon's socket, one message a line. */
class LineClient implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #waiting = new Map<number, (at: number) => void>();
  readonly #encoder = new TextEncoder();
  #lastId = 0;
  #out = "";

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  static async connect(path: string): Promise<LineClient> {
    const client = new LineClient(await Deno.connect({ transport: "unix", path }));
    client.#read();
    const hello = { aichaku: { server: "echo" } };
    await client.#conn.write(client.#encoder.encode(JSON.stringify(hello) + "\n"));
    return client;
  }

  /** Makes a call. @returns its latency, milliseconds. */
  async call(): Promise<number> {
    const id = ++this.#lastId;
    const answered = new Promise<number>((resolve) => this.#waiting.set(id, resolve));
    const params = { name: "echo", arguments: { message: "x".repeat(100) } };
    const message = { jsonrpc: "2.0", id, method: "tools/call", params };
    if (this.#out === "") queueMicrotask(() => this.#flush());
    this.#out += JSON.stringify(message) + "\n";
    const begun = performance.now();
    return await answered - begun;
  }

  async #flush(): Promise<void> {
    let rest = this.#encoder.encode(this.#out);
    this.#out = "";
    while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
  }

  async #read(): Promise<void> {
    try {
      await this.#readAnswers();
    } catch (error) {
      // Closed here while it waited for more.
      if (!(error instanceof Deno.errors.Interrupted)) throw error;
    }
  }

  async #readAnswers(): Promise<void> {
    let text = "";
    for await (const chunk of this.#conn.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop()!;
      const now = performance.now();
      for (const line of lines) {
        const { id, error } = JSON.parse(line);
        if (error !== undefined) throw new Error(`A call of the flood failed: ${line}`);
        this.#waiting.get(id)?.(now);
        this.#waiting.delete(id);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

async function run(task: Task, { programs: { echo }, seconds }: PartOptions): Promise<Section> {
  const flood = await measureFlood(task, { echo, seconds: 2 * seconds });
  return {
    title: "Beside a flood",
    text: `One client keeps ${QUEUED} calls waiting at a shared server, another one makes single ` +
      "calls, both over the Unix socket.",
    tables: [{
      title: "",
      head: ["client", "calls", "p50 ms", "p99 ms"],
      rows: [
        row("single calls, alone", flood.alone),
        row("single calls, beside the flood", flood.beside),
        row("the flood itself", flood.flooding),
      ],
    }],
    verdicts: [],
    data: flood,
  };
}

function row(name: string, { calls, p50, p99 }: Latencies): string[] {
  return [name, String(calls), p50.toFixed(3), p99.toFixed(3)];
}

/** Measures all three for `seconds` each. */
async function measureFlood(
  { stack }: Task,
  { echo, seconds }: { echo: string; seconds: number },
): Promise<Flood> {
  const daemon = stack.use(
    await DaemonFixture.start({
      config: {
        server: { limits: { maxQueuedPerSession: 2 * QUEUED } },
        mcpServers: { echo: { command: echo } },
      },
    }),
  );
  const path = daemon.paths.socket;
  const quiet = await LineClient.connect(path);
  const loud = await LineClient.connect(path);
  await quiet.call();
  const alone = await oneByOne(quiet, seconds);
  const until = performance.now() + seconds * 1000;
  const flooding = Array.from({ length: QUEUED }, () => oneByOne(loud, seconds, until));
  const beside = await oneByOne(quiet, seconds, until);
  const own = (await Promise.all(flooding)).flat();
  quiet[Symbol.dispose]();
  loud[Symbol.dispose]();
  return {
    queued: QUEUED,
    alone: summarize(alone),
    beside: summarize(beside),
    flooding: summarize(own),
  };
}

async function oneByOne(
  client: LineClient,
  seconds: number,
  until = performance.now() + seconds * 1000,
): Promise<number[]> {
  const latencies: number[] = [];
  while (performance.now() < until) latencies.push(await client.call());
  return latencies;
}

function summarize(latencies: number[]): Latencies {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { p50: at(0.5), p99: at(0.99), calls: sorted.length };
}
