/**
 * A Streamable HTTP server's endpoint together with what each request to it carries: the session, the
 * revision. Source: MCP 2025-11-25, basic/transports, "Session Management", "Protocol Version Header";
 * for requests that name their own revision, MCP 2026-07-28, "Request Metadata".
 *
 * @module
 */

import { Endpoint, type EndpointOptions } from "./endpoint.ts";
import type { RemoteMemory } from "./options.ts";
import { metadataHeaders } from "./outgoing.ts";
import { namesLostSession, type Refusal } from "./refusal.ts";

/** A message to be posted. */
export interface Post {
  text: string;
  signal: AbortSignal;
  /** What the headers of a modern request say once more; undefined in the legacy era. */
  modern?: Parameters<typeof metadataHeaders>[0];
}

/** One session, or none. */
export class HttpSession implements Disposable {
  readonly #endpoint: Endpoint;
  #id: string | undefined;
  /** In force after the handshake. */
  revision: string | undefined;
  #hasServed = false;

  readonly #memory: RemoteMemory;

  constructor(options: EndpointOptions & { memory: RemoteMemory }) {
    this.#endpoint = new Endpoint(options);
    this.#memory = options.memory;
  }

  get origin(): string {
    return this.#endpoint.origin;
  }

  /** Takes the session that came with the answer to `initialize`. */
  begin(response: Response): void {
    this.#id = response.headers.get("mcp-session-id") ?? undefined;
  }

  /** The server has taken a request of this session after the handshake. */
  served(): void {
    this.#hasServed = true;
    this.#memory.forgotAtOnce = false;
  }

  /**
   * The server has forgotten the session.
   *
   * @returns whether the next one may last longer: not when a session before this one was forgotten at
   * once as well, such as by several processes behind one address that share nothing.
   */
  forget(): boolean {
    if (this.#hasServed) return true;
    const mayLast = !this.#memory.forgotAtOnce;
    this.#memory.forgotAtOnce = true;
    return mayLast;
  }

  /** @throws {NoResponse} */
  post({ text, signal, modern }: Post): Promise<Response> {
    return this.#endpoint.request({
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(modern === undefined ? this.#headers() : metadataHeaders(modern)),
      },
      body: text,
      signal,
    });
  }

  /** Asks for a stream, from the event after `lastEventId` on. @throws {NoResponse} */
  get(lastEventId: string, signal: AbortSignal): Promise<Response> {
    const from: Record<string, string> = lastEventId === "" ? {} : { "last-event-id": lastEventId };
    return this.#endpoint.request({
      method: "GET",
      headers: { ...this.#headers(), accept: "text/event-stream", ...from },
      signal,
    });
  }

  /** Ends the session, where there is one. @throws {NoResponse} */
  async end(signal: AbortSignal): Promise<void> {
    if (this.#id === undefined) return;
    const response = await this.#endpoint.request({
      method: "DELETE",
      headers: this.#headers(),
      signal,
    });
    await response.body?.cancel();
  }

  /** Whether a refusal of a request of this session says that the server knows it no more. */
  isForgotten(refusal: Refusal): boolean {
    return this.#id !== undefined && namesLostSession(refusal);
  }

  [Symbol.dispose](): void {
    this.#endpoint[Symbol.dispose]();
  }

  #headers(): Record<string, string> {
    return {
      ...(this.#id === undefined ? {} : { "mcp-session-id": this.#id }),
      ...(this.revision === undefined ? {} : { "mcp-protocol-version": this.revision }),
    };
  }
}
