/**
 * Being registered with the process that serves. The lease is a stream that this process holds open:
 * the kernel closes it when the process dies, whatever killed it, and when the server does.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { type DirectFetch, directFetch } from "../../platform/direct_fetch.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { ask } from "../daemon/control.ts";
import { DaemonProblem } from "../daemon/problem.ts";
import { PREFIX } from "./control.ts";
import type { DaemonInfo, Over, Role } from "./role.ts";

/** With whom to register. */
export interface RegisterOptions {
  /** URL of a server that has proved itself, without a slash at the end. */
  url: string;
  /** Its process. Informs only. */
  pid: number;
  token: string;
  clock: Clock;
}

/** Milliseconds that the server may take to answer. */
const ANSWER_MS = 5_000;

/** Most that the server ever says on the stream, in characters. */
const MAX_LINES = 64 * 1024;

/**
 * Registers.
 *
 * @returns undefined when the server takes nobody any more, or is gone.
 */
export async function register(options: RegisterOptions): Promise<Role | undefined> {
  const { url, token, clock } = options;
  const connection = new AbortController();
  const direct = directFetch(url);
  const tooLong = clock.after(ANSWER_MS, () => connection.abort());
  let lines: AsyncGenerator<Record<string, unknown>> | undefined;
  let granted: Record<string, unknown> | undefined;
  try {
    const response = await direct.fetch(`${url}${PREFIX}leases?pid=${Deno.pid}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      redirect: "manual",
      signal: connection.signal,
    });
    if (response.status === 200 && response.body !== null) {
      lines = jsonLines(response.body);
      granted = (await lines.next()).value;
    } else {
      await response.body?.cancel();
    }
  } catch {
    // The server ended while it was being asked, or it hangs: the next look at it will tell.
  } finally {
    tooLong[Symbol.dispose]();
  }
  const { lease, clientCount } = Object(granted) as Record<string, unknown>;
  if (lines === undefined || typeof lease !== "string" || typeof clientCount !== "number") {
    connection.abort();
    await lines?.return(undefined);
    direct[Symbol.dispose]();
    return undefined;
  }
  const atStart = { port: Number(new URL(url).port || "80"), pid: options.pid, clientCount };
  return new Registration({ ...options, connection, direct, lines, lease, atStart });
}

interface Parts extends RegisterOptions {
  connection: AbortController;
  direct: DirectFetch;
  /** What the server has still to say. */
  lines: AsyncGenerator<Record<string, unknown>>;
  lease: string;
  atStart: DaemonInfo;
}

class Registration implements Role {
  readonly isMainProcess = false;
  readonly url: string;
  readonly atStart: DaemonInfo;
  readonly over: Promise<Over>;
  readonly #parts: Parts;
  #released: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.url = parts.url;
    this.atStart = parts.atStart;
    this.over = this.#untilOver();
  }

  async info(): Promise<DaemonInfo> {
    const { url, token } = this.#parts;
    let body: unknown;
    try {
      ({ body } = await ask(`${url}${PREFIX}status`, { token, timeoutMs: ANSWER_MS }));
    } catch (error) {
      throw new DaemonProblem(
        `Cannot ask the daemon at ${url}: it does not answer. When it is gone, 'lost' tells.`,
        { cause: error },
      );
    }
    const { port, pid, clientCount } = Object(body) as Record<string, unknown>;
    if (
      typeof port !== "number" || typeof pid !== "number" || typeof clientCount !== "number"
    ) {
      throw new DaemonProblem(
        `Cannot ask the daemon at ${url}: it answered ${JSON.stringify(body)}, which is no status.`,
      );
    }
    return { port, pid, clientCount };
  }

  hold(): boolean {
    return this.#released === undefined;
  }

  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  end(): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    const { url, token, lease, connection } = this.#parts;
    try {
      // Asked, not only hung up on: afterwards the count is right for everyone.
      await ask(`${url}${PREFIX}leases/${lease}/end`, {
        method: "POST",
        token,
        timeoutMs: ANSWER_MS,
      });
      await settlesWithin(this.over, ANSWER_MS);
    } catch {
      // The server is gone or hangs: hanging up has to do.
    }
    connection.abort();
    await this.over;
  }

  async #untilOver(): Promise<Over> {
    const { lines, direct, url } = this.#parts;
    let reason = `the process that served ${url} is gone`;
    try {
      for await (const { end } of lines) if (typeof end === "string") reason = end;
    } catch {
      // The connection broke: that process was killed, or this one hung up.
    }
    direct[Symbol.dispose]();
    return this.#released === undefined
      ? { lost: true, reason }
      : { lost: false, reason: "released" };
  }
}

/** The objects in a stream of JSON lines. Ends, with an error, at what is none or too long. */
async function* jsonLines(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_LINES) throw new RangeError("The stream of the lease is too long");
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) yield Object(JSON.parse(line));
  }
}
