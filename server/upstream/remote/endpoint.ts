/**
 * HTTP below the wires: one server's address with the credentials of its entry, and what a request that
 * failed says about whether it was executed.
 *
 * Guarantees: credentials go to the origin of the entry and nowhere else, whatever a server answers; no
 * request is made twice; a server on this machine is never asked through a proxy (but one that speaks TLS,
 * unless `NO_PROXY` names it). Errors hold no URL.
 *
 * @module
 */

/** Options of {@linkcode Endpoint}. */
export interface EndpointOptions {
  /** `http:` or `https:`. */
  url: string;
  /** The entry's own headers. */
  headers: Readonly<Record<string, string>>;
}

/** What is asked. */
export interface EndpointRequest {
  method: "GET" | "POST" | "DELETE";
  /** Beside the entry's own, which they replace. */
  headers: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
  /** Another URL of the same origin. Default the endpoint's own. */
  url?: string;
}

/** A request without a response. The message says why, for a person: `Connection refused`. */
export class NoResponse extends Error {
  override name = "NoResponse";
  /** Whether the server may have received the request. */
  readonly sent: boolean;
  /** Whether asking again can help: not with a certificate that is not trusted. */
  readonly mayPass: boolean;

  constructor(detail: string, { sent, mayPass = true }: { sent: boolean; mayPass?: boolean }) {
    super(detail);
    this.sent = sent;
    this.mayPass = mayPass;
  }
}

/**
 * Milliseconds a connection is kept for the next request. Shorter than the five seconds after which
 * many servers (Node's among them) close it: a request on a connection that closes under it is lost.
 */
const KEEP_ALIVE_MS = 4000;
const MAX_REDIRECTS = 3;

/** The way to one server. Dispose of it when nothing is asked any more. */
export class Endpoint implements Disposable {
  /** `https://example.com`. */
  readonly origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clients: readonly Deno.HttpClient[];
  #url: string;

  constructor({ url, headers }: EndpointOptions) {
    const address = new URL(url);
    this.#headers = { ...basicAuthorization(address), ...lowerCased(headers) };
    // `fetch` refuses them in the URL.
    address.username = "";
    address.password = "";
    address.hash = "";
    this.origin = address.origin;
    this.#url = address.href;
    this.#clients = clientsFor(address);
  }

  /** Where the endpoint is, with its query: for resolving, never for showing. */
  get url(): string {
    return this.#url;
  }

  /**
   * Asks, and follows redirects within the origin.
   *
   * @throws {NoResponse} when there is no response; else the signal's reason.
   */
  async request(request: EndpointRequest): Promise<Response> {
    let url = request.url ?? this.#url;
    for (let redirects = 0;; redirects++) {
      const response = await this.#fetch(url, request);
      const next = redirectWithin(this.origin, response, request.method);
      if (next === undefined || redirects === MAX_REDIRECTS) return response;
      await response.body?.cancel();
      // For as long as this connection lives, the next request need not be sent round as well.
      if (url === this.#url) this.#url = next;
      url = next;
    }
  }

  async #fetch(url: string, request: EndpointRequest): Promise<Response> {
    let first: NoResponse | undefined;
    for (const client of this.#clients) {
      try {
        return await fetchOnce(url, { ...request, client, own: this.#headers });
      } catch (error) {
        if (!(error instanceof NoResponse) || error.sent) throw error;
        first ??= error;
      }
    }
    throw first;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
  }
}

/** @throws {NoResponse} when there is no response; else the signal's reason. */
async function fetchOnce(
  url: string,
  { method, headers, own, body, signal, client }: EndpointRequest & {
    own: Readonly<Record<string, string>>;
    client: Deno.HttpClient;
  },
): Promise<Response> {
  try {
    return await fetch(url, {
      method,
      headers: { ...own, ...headers },
      // A blob, because Deno repeats a request by itself when its connection breaks before the answer
      // and its body is a string or bytes (2.7.11, 2.9.6). A tool call must not run twice.
      body: body === undefined ? undefined : new Blob([body]),
      signal,
      redirect: "manual",
      client,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw noResponse(error);
  }
}

/** Whether this is an address of this very machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])\.?$/i.test(hostname);
}

/** Whether the response is Server-Sent Events. */
export function isEventStream(response: Response): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get("content-type") ?? "");
}

/** The ways to an address, to be tried one after the other. */
function clientsFor({ hostname, port, protocol }: URL): Deno.HttpClient[] {
  // A way straight to a port speaks no TLS; `NO_PROXY` is for that.
  if (protocol === "https:" || !isLoopback(hostname)) {
    return [Deno.createHttpClient({ poolIdleTimeout: KEEP_ALIVE_MS })];
  }
  // A name is either of both: Node listens at `localhost` as [::1], others as 127.0.0.1.
  const hosts = /^[[\d]/.test(hostname) ? [hostname] : ["127.0.0.1", "[::1]"];
  return hosts.map((host) =>
    Deno.createHttpClient({
      // On one machine a new connection costs nothing, and one that is refused is certain: a server that
      // was restarted a moment ago loses no call.
      poolMaxIdlePerHost: 0,
      // Deno sends even 127.0.0.1 through a proxy that the environment names, unless there is another
      // one: this one, which is the server itself.
      proxy: { transport: "tcp", hostname: host, port: Number(port || "80") },
    })
  );
}

/** Names and passwords in a URL are credentials like any other. */
function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${new TextEncoder().encode(pair).toBase64()}` };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** Where to ask again, if that is allowed: the same question, at the same origin. */
function redirectWithin(
  origin: string,
  response: Response,
  method: EndpointRequest["method"],
): string | undefined {
  const { status, headers } = response;
  const keepsMethod = status === 307 || status === 308 ||
    (method === "GET" && (status === 301 || status === 302));
  const location = headers.get("location");
  if (!keepsMethod || location === null) return undefined;
  const target = URL.parse(location, response.url);
  return target?.origin === origin ? target.href : undefined;
}

/** hyper's phase and its reason, in the message of the error (Deno 2.7) or of its cause (Deno 2.9). */
const CLIENT_ERROR = /client error \((\w+)\)(?:: (.{1,200}))?/;
/** Ports that `fetch` never asks. */
const BLOCKED = /Requests to port \d+ are blocked/;

function noResponse(error: unknown): NoResponse {
  const { message, cause } = error instanceof Error ? error : { message: "", cause: undefined };
  const text = cause instanceof Error ? `${message}\n${cause.message}` : message;
  const [blocked] = BLOCKED.exec(text) ?? [];
  if (blocked !== undefined) return new NoResponse(blocked, { sent: false, mayPass: false });
  // Only what follows the phase is taken over: the rest names the URL.
  const [, phase, reason = "the connection broke"] = CLIENT_ERROR.exec(text) ?? [];
  return new NoResponse(reason, {
    sent: phase !== "Connect",
    mayPass: !/certificate/i.test(reason),
  });
}
