/**
 * HTTP below the transport: one endpoint, its headers, and what a failed exchange means.
 *
 * Guarantees: the token goes to the endpoint and nowhere else (no redirect is followed); a request that
 * was certainly not executed is told apart ({@linkcode NotSent}) from one that may have been; what is
 * sent in the background takes at most a second.
 *
 * @module
 */

import { AichakuError, excerpt, faultError } from "./errors.ts";
import { wasRefused } from "./fetch_failure.ts";
import { readIncoming } from "./jsonrpc.ts";
import { loopbackFetch } from "./loopback_fetch.ts";
import { onAbort } from "./on_abort.ts";
import { quietFetch } from "./quiet.ts";
import { NotSent } from "./transport.ts";

/** Options of {@linkcode HttpWire}. */
export interface HttpWireOptions {
  /** The endpoint: `http://127.0.0.1:7182/mcp/sample`. */
  endpoint: string;
  /** Sent as bearer token when known. */
  token?: string;
  /** Name of the server, for errors. */
  server: string;
  /** Absolute path of the folder that is worked on: which instance of a server with `${project}`. */
  project?: string;
  /** How a client without a session is known again: servers may keep something for it. */
  client?: string;
  /** Replaced in tests. */
  fetch?: typeof fetch;
}

/** What a message is sent with. */
export interface SendOptions {
  /** For errors. */
  method: string;
  signal: AbortSignal;
  /** Beside those that every message has. */
  headers?: Record<string, string>;
}

/** The daemon answered with a status that is not of success, and said no JSON-RPC error. */
export class HttpRefusal extends AichakuError {
  /** HTTP status. */
  readonly status: number;

  constructor(message: string, status: number) {
    super("protocol", message);
    this.status = status;
  }
}

/** Milliseconds for what nobody waits for: cancelling, ending the session. */
const COURTESY_MS = 1000;
/** Milliseconds for handing over an answer to the server's own request. */
const ANSWER_MS = 10_000;

/** Headers of every message. */
const POSTED = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

/** The way to one endpoint. */
export class HttpWire {
  readonly #options: HttpWireOptions;
  readonly #fetch: typeof fetch;
  /** What nobody waits for, except a close. Each is bounded. */
  readonly #background = new Set<Promise<unknown>>();
  /** Sent with everything once it is known. */
  sessionId: string | undefined;
  /** Sent with everything once it is agreed on. */
  revision: string | undefined;
  /** Set once nothing can be sent any more: why. */
  ended: AichakuError | undefined;

  constructor(options: HttpWireOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? loopbackFetch(options.endpoint);
  }

  /**
   * Sends a message; the response is one of success.
   *
   * @throws {NotSent} when there was no connection, or the daemon does not know the session.
   * @throws {AichakuError} for another refusal, or a connection that broke.
   */
  async post(text: string, { method, signal, headers }: SendOptions): Promise<Response> {
    let response: Response;
    try {
      response = await this.#send(text, signal, headers);
    } catch (error) {
      const lost = this.lost(error, { method, signal });
      throw wasRefused(error) ? new NotSent(lost) : lost;
    }
    if (response.ok) return response;
    if (response.status === 404 && this.sessionId !== undefined) {
      await response.body?.cancel();
      throw new NotSent(this.#forgotten(`send ${method}`));
    }
    throw await this.#refusal(response, method);
  }

  /**
   * Sends a message whose answer may take for ever; it does not keep the process alive.
   *
   * @throws {AichakuError} when it is refused.
   * @throws what happened when it cannot be sent now.
   */
  async postQuietly(text: string, { method, signal, headers }: SendOptions): Promise<Response> {
    const response = await quietFetch(this.#options.endpoint, {
      headers: { ...this.#headers(), ...POSTED, ...headers },
      body: text,
      signal,
    });
    if (response.ok) return response;
    throw await this.#refusal(response, method);
  }

  /** Asks for the rest of a stream that broke off. @throws {AichakuError} when there is none. */
  async resume(lastEventId: string, { method, signal }: SendOptions): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(this.#options.endpoint, {
        headers: { ...this.#headers(), accept: "text/event-stream", "last-event-id": lastEventId },
        signal,
        redirect: "manual",
      });
    } catch (error) {
      throw this.lost(error, { method, signal });
    }
    if (response.ok && isEventStream(response)) return response;
    await response.body?.cancel();
    throw this.lost(`the daemon answered ${response.status}`, { method, signal });
  }

  /**
   * Opens the stream for what belongs to no call. It does not keep the process alive, and may begin where
   * another one broke off.
   *
   * @returns undefined when the daemon offers none.
   * @throws what happened when it cannot be opened now; `ended` is set when it never will be.
   */
  async listenQuietly(lastEventId: string, signal: AbortSignal): Promise<Response | undefined> {
    const response = await quietFetch(this.#options.endpoint, {
      headers: {
        ...this.#headers(),
        accept: "text/event-stream",
        ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }),
      },
      signal,
    });
    if (response.ok && isEventStream(response)) return response;
    await response.body?.cancel();
    if (response.status === 405) return undefined;
    if (response.status === 404 && this.sessionId !== undefined) throw this.#forgotten("listen");
    throw new TypeError(`the daemon answered ${response.status} to GET`);
  }

  /** Sends what nobody waits for, for a second at most. */
  tell(text: string): void {
    this.inBackground(courtesy((signal) => this.#send(text, signal)));
  }

  /** Sends an answer that the server waits for, so for longer. Bounded; never rejects. */
  answer(text: string, closed: AbortSignal): Promise<void> {
    const sent = courtesy((signal) => this.#send(text, signal), { ms: ANSWER_MS, closed });
    this.inBackground(sent);
    return sent;
  }

  /** Ends the session, where there is one and a daemon to tell. */
  deleteSession(): void {
    if (this.sessionId === undefined) return;
    this.inBackground(courtesy((signal) =>
      this.#fetch(this.#options.endpoint, {
        method: "DELETE",
        headers: this.#headers(),
        signal,
        redirect: "manual",
      })
    ));
  }

  /** Keeps track of bounded work that never rejects. */
  inBackground(work: Promise<void>): void {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
  }

  /** Resolves when nothing runs in the background. */
  async settled(): Promise<void> {
    await Promise.all(this.#background);
  }

  /** The daemon is gone with this call in flight; nothing more can be asked over this connection. */
  lost(cause: unknown, { method, signal }: SendOptions): AichakuError {
    if (signal.aborted) return signal.reason;
    const { server, endpoint } = this.#options;
    const error = faultError("connection_lost", {
      reason: "draining",
      message: `Lost the daemon at ${new URL(endpoint).origin} while waiting for ${method} of ` +
        `server ${JSON.stringify(server)}: it stopped or was restarted; whether the call took ` +
        `effect is not known, so look before you repeat it`,
      details: { server, cause, retryable: false },
    });
    this.ended ??= error;
    return error;
  }

  #forgotten(action: string): AichakuError {
    return this.ended ??= faultError("rpc", {
      reason: "session_not_found",
      message: `Cannot ${action}: the daemon does not know this session any more`,
    });
  }

  /** What came back is not an answer. */
  protocolError(method: string, why: string): AichakuError {
    const { server } = this.#options;
    return new AichakuError(
      "protocol",
      `Cannot understand the answer to ${method} of server ${JSON.stringify(server)}: ${why}`,
    );
  }

  #send(
    text: string,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.#fetch(this.#options.endpoint, {
      method: "POST",
      headers: { ...this.#headers(), ...POSTED, ...headers },
      // A blob, because Deno repeats a request by itself when its connection breaks before the answer
      // and its body is a string or bytes: 2.9.6 on a used connection, 2.7.11 on any. A tool call must
      // not run twice. Node 20 and Bun 1.4 repeat none.
      body: new Blob([text]),
      signal,
      redirect: "manual",
    });
  }

  #headers(): Record<string, string> {
    const { token, project, client } = this.#options;
    return {
      // A header carries no other letters than those of ASCII.
      ...(project === undefined ? {} : { "x-aichaku-project": encodeURIComponent(project) }),
      ...(client === undefined ? {} : { "x-aichaku-client": client }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(this.sessionId === undefined ? {} : { "mcp-session-id": this.sessionId }),
      ...(this.revision === undefined ? {} : { "mcp-protocol-version": this.revision }),
    };
  }

  /** A status that is not of success, as an error. */
  async #refusal(response: Response, method: string): Promise<AichakuError> {
    // A body that breaks off says nothing; the status does.
    const body = await response.text().catch(() => "");
    const answer = readIncoming(body);
    if (answer.kind === "error") return answer.error;
    const hint = response.status === 401 || response.status === 403
      ? "; give the daemon's token with the option token or AICHAKU_TOKEN"
      : "";
    const said = `the daemon answered with status ${response.status} ${excerpt(body)}`.trimEnd();
    const { message: text } = this.protocolError(method, said + hint);
    return new HttpRefusal(text, response.status);
  }
}

/** Whether the response is Server-Sent Events. */
export function isEventStream(response: Response): boolean {
  return /^text\/event-stream\s*(;|$)/i.test(response.headers.get("content-type") ?? "");
}

async function courtesy(
  send: (signal: AbortSignal) => Promise<Response>,
  { ms = COURTESY_MS, closed }: { ms?: number; closed?: AbortSignal } = {},
): Promise<void> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  const stop = onAbort(closed, () => controller.abort());
  try {
    await (await send(controller.signal)).body?.cancel();
  } catch {
    // Best effort: a daemon that cannot be told has no use for it either.
  } finally {
    clearTimeout(timer);
    stop();
  }
}
