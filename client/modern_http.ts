/**
 * The modern era over HTTP: every request is a POST that says in its headers what it is, gets its own
 * response, and is cancelled by closing it. Source: MCP 2026-07-28, basic/transports/streamable-http.
 *
 * Guarantees: every request is answered or rejected; a server that refuses a call because its headers are
 * not the ones that it wants is asked for its tools, and then called once more.
 *
 * @module
 */

import { AichakuError } from "./errors.ts";
import { type Exchange, readAnswer, readDraining, type Unasked } from "./http_exchange.ts";
import { HttpWire, type HttpWireOptions, isEventStream } from "./http_wire.ts";
import {
  isObject,
  type JsonObject,
  notificationText,
  readIncoming,
  requestText,
} from "./jsonrpc.ts";
import { HEADER_MISMATCH } from "./discover.ts";
import type { ListenOptions, ModernWire } from "./modern_wire.ts";
import { onAbort } from "./on_abort.ts";
import { ParamHeaders } from "./param_headers.ts";
import type { ServerNotification } from "./peer.ts";
import { raceSignal } from "./scope.ts";
import { readServerSentEvents } from "./sse.ts";
import { NotSent, readProgress, type TransportRequestOptions } from "./transport.ts";

/** Pages of a list of tools that are looked at for one tool. */
const MAX_PAGES = 100;

/** See the module. */
export class ModernHttp implements ModernWire {
  readonly server: string;
  readonly #wire: HttpWire;
  readonly #headers: ParamHeaders;
  readonly #exchanges = new Set<Exchange>();
  readonly #closed = new AbortController();
  #nextId = 1;
  #closing: Promise<void> | undefined;
  onNotification: (notification: ServerNotification) => void = () => {};

  constructor(options: HttpWireOptions) {
    this.server = options.server;
    this.#wire = new HttpWire(options);
    this.#headers = new ParamHeaders(options.server);
  }

  get ended(): AichakuError | undefined {
    return this.#wire.ended;
  }

  becomeReady(): void {
    // What broke off is told the same way before.
  }

  async request(
    method: string,
    params: JsonObject,
    options: TransportRequestOptions,
  ): Promise<JsonObject> {
    if (method !== "tools/call") return await this.#ask(method, params, options);
    try {
      return await this.#ask(method, params, options);
    } catch (error) {
      // Refused before anything was done. What the tool wants may be new, or was never asked for.
      if (!(error instanceof AichakuError) || error.code !== HEADER_MISMATCH) throw error;
      const said = JSON.stringify(this.#headers.of(method, params));
      await this.#learn(String(params.name), params, options.signal);
      if (JSON.stringify(this.#headers.of(method, params)) === said) throw error;
      return await this.#ask(method, params, options);
    }
  }

  async notify(
    method: string,
    params: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#wire.ended !== undefined) throw new NotSent(this.#wire.ended);
    const headers = this.#headers.of(method, params ?? {});
    const sent = this.#wire.post(notificationText(method, params), { method, headers, signal });
    await (await raceSignal(sent, signal)).body?.cancel();
  }

  async listen(params: JsonObject, { onNotification, signal }: ListenOptions): Promise<void> {
    if (this.#wire.ended !== undefined) throw this.#wire.ended;
    const method = "subscriptions/listen";
    const id = this.#nextId++;
    try {
      const response = await this.#wire.postQuietly(requestText(id, method, params), {
        method,
        headers: this.#headers.of(method, params),
        signal,
      });
      for await (const text of messagesOf(response)) {
        const message = readIncoming(text);
        if (message.kind === "error") throw message.error;
        // The subscription's own answer is its end.
        if (message.kind === "response") return;
        if (message.kind !== "notification") continue;
        if (message.method === "notifications/cancelled") return;
        onNotification({ method: message.method, params: message.params });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    if (!signal.aborted) throw new Error("the stream ended without a word");
  }

  lose(cause: unknown): void {
    const { signal } = this.#closed;
    if (!signal.aborted) this.#wire.lost(cause, { method: "its notifications", signal });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const wire = this.#wire;
    wire.ended ??= new AichakuError(
      "closed",
      `Cannot ask server ${JSON.stringify(this.server)}: the client was closed`,
    );
    this.#closed.abort(wire.ended);
    for (const { controller } of this.#exchanges) controller.abort(wire.ended);
    await wire.settled();
  }

  async #ask(
    method: string,
    params: JsonObject,
    { signal, onProgress }: TransportRequestOptions,
  ): Promise<JsonObject> {
    if (this.#wire.ended !== undefined) throw new NotSent(this.#wire.ended);
    if (signal.aborted) throw signal.reason;
    const id = this.#nextId++;
    const exchange: Exchange = { id, method, onProgress, controller: new AbortController() };
    // Breaking the response off is what cancels.
    const stop = onAbort(signal, () => exchange.controller.abort(signal.reason));
    this.#exchanges.add(exchange);
    try {
      const text = requestText(id, method, params, onProgress === undefined ? undefined : id);
      const result = await raceSignal(
        this.#exchange(text, params, exchange),
        exchange.controller.signal,
      );
      return method === "tools/list" ? this.#headers.learn(result) : result;
    } catch (error) {
      throw readDraining(error, this.#wire);
    } finally {
      this.#exchanges.delete(exchange);
      stop();
    }
  }

  async #exchange(text: string, params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const { method, controller: { signal } } = exchange;
    const headers = this.#headers.of(method, params);
    const response = await this.#wire.post(text, { method, headers, signal });
    return await readAnswer(response, exchange, {
      wire: this.#wire,
      onUnasked: (message) => this.#onUnasked(message, exchange),
      resumes: false,
    });
  }

  #onUnasked(message: Unasked, { id, onProgress }: Exchange): void {
    // A modern server asks nothing on its own, and must not be answered when it does.
    if (message.kind === "request") return;
    const { method, params } = message;
    if (method !== "notifications/progress") return this.onNotification({ method, params });
    if (params.progressToken === id) onProgress?.(readProgress(params));
  }

  /** Asks for the tools until `tool` is among them. */
  async #learn(tool: string, { _meta }: JsonObject, signal: AbortSignal): Promise<void> {
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = { _meta, ...(cursor === undefined ? {} : { cursor }) };
      const { tools, nextCursor } = await this.#ask("tools/list", params, { signal });
      const found = Array.isArray(tools) &&
        tools.some((each) => isObject(each) && each.name === tool);
      if (found || nextCursor === undefined || nextCursor === null) return;
      cursor = nextCursor;
    }
  }
}

/** The messages of a response, which may be just one. */
async function* messagesOf(response: Response): AsyncGenerator<string, void, void> {
  if (!isEventStream(response)) {
    yield await response.text();
    return;
  }
  for await (const { type, data } of readServerSentEvents(response.body!)) {
    if (type === "message" && data !== "") yield data;
  }
}
