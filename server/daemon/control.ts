/**
 * One HTTP request to a daemon on this machine, for the command line. Bounded in time and size, because
 * what answers may be a stranger; never through a proxy, because `HTTP_PROXY` is about the network and
 * Deno's `fetch` would send even 127.0.0.1 there (Deno 2.7 to 2.9).
 *
 * @module
 */

/** Options of {@linkcode ask}. */
export interface AskOptions {
  method?: "GET" | "POST";
  /** Sent as a bearer token. Only to a daemon that has proved itself. */
  token?: string;
  /** Milliseconds until the whole answer must be there. */
  timeoutMs: number;
}

/** What came back. */
export interface ControlAnswer {
  status: number;
  /** The JSON; undefined when it was not JSON. */
  body: unknown;
}

/** Nothing of a daemon's is longer. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Asks and reads the whole answer.
 *
 * @throws whatever the network throws; a `TimeoutError` when it takes too long.
 */
export async function ask(url: string, options: AskOptions): Promise<ControlAnswer> {
  const { hostname, port } = new URL(url);
  const client = Deno.createHttpClient({
    proxy: {
      transport: "tcp",
      // With its brackets: Deno reads this as a part of a URL (2.7 to 2.9).
      hostname,
      port: Number(port || "80"),
    },
  });
  try {
    const response = await fetch(url, {
      client,
      method: options.method ?? "GET",
      headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
      redirect: "manual",
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    return { status: response.status, body: parse(await readBounded(response)) };
  } finally {
    client.close();
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new Error(`The answer of ${response.url} is longer than ${MAX_BODY_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the caller decides what a stranger's page means.
  }
}
