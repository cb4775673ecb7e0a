/**
 * A remote server over a WebSocket: subprotocol `mcp`, one message a frame. Not a transport of the MCP
 * specification, but a custom one that servers offer.
 *
 * Guarantees: a message beyond the limit is dropped alone (one of more than twice the limit ends the
 * connection, and so does a peer that answers no ping); what a server that does not read owes is
 * bounded. The end of the connection is the end of the wire.
 *
 * Not done: a proxy that the environment names is not used.
 *
 * @module
 */

import type { WebSocket, WsRefusal } from "ws";
import { Backlog } from "../backlog.ts";
import type { CloseGrace, Wire, WireEnd, WireEvents } from "../wire.ts";
import { ask } from "./attempts.ts";
import { NoResponse } from "./endpoint.ts";
import { linesOf } from "./incoming.ts";
import type { RemoteOptions } from "./options.ts";
import { statusTrouble, troubleEnd } from "./trouble.ts";

/** Milliseconds between two pings. */
const PING_MS = 60_000;
/** Pings in a row without any sign of life: a server that computes may be deaf for a while. */
const MAX_SILENT_PINGS = 2;
/** Characters kept at each end of a dropped message. */
const KEPT = 200;

/** Opens the connection; messages wait until it stands. */
export function openWsWire(options: RemoteOptions, events: WireEvents): Wire {
  return new WsWire(options, events);
}

class WsWire implements Wire {
  readonly pid = undefined;
  readonly #options: RemoteOptions;
  readonly #events: WireEvents;
  readonly #url: URL;
  readonly #life = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  readonly #connecting: Promise<void>;
  #socket: WebSocket | undefined;
  #state: "connecting" | "open" | "ending" | "ended" = "connecting";
  #waiting: string[] = [];
  readonly #backlog: Backlog;
  #silentPings = 0;
  #pingTimer: Disposable | undefined;
  #how: WireEnd | undefined;

  constructor(options: RemoteOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#url = new URL(options.url);
    this.#url.hash = "";
    this.#backlog = new Backlog({
      maxOwed: options.maxOwed,
      onRoom: () => this.writable && events.onRoom(),
    });
    this.#connecting = this.#connect();
  }

  get writable(): boolean {
    return this.#state === "connecting" || this.#state === "open";
  }

  get owed(): number {
    return this.#backlog.owed;
  }

  get room(): number {
    return this.#backlog.room;
  }

  send(text: string): boolean {
    if (!this.writable || !this.#backlog.takes(text.length)) return false;
    this.#backlog.add(text.length);
    if (this.#state === "open") this.#write(this.#socket!, text);
    else this.#waiting.push(text);
    return true;
  }

  async close({ eofMs }: CloseGrace): Promise<void> {
    if (this.#state !== "ended") {
      this.#how ??= { how: "was closed", stderr: "" };
      this.#state = "ending";
      this.#life.abort();
      using _bound = this.#options.clock.after(eofMs, () => this.#socket?.terminate());
      this.#socket?.close(1000);
      await this.#closed.promise;
    }
    await this.#connecting;
  }

  // ---- the connection

  async #connect(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#life;
    try {
      const response = await ask(() => this.#dial(), {
        clock,
        random,
        signal,
        what: "the WebSocket handshake",
        origin: `${this.#url.protocol}//${this.#url.host}`,
      });
      if (response instanceof Response && response.ok) return;
      signal.throwIfAborted();
      const trouble = response instanceof Response
        ? statusTrouble(response, "the WebSocket handshake")
        : response;
      this.#end(troubleEnd(trouble));
    } catch (error) {
      if (!signal.aborted) this.#options.log.error("fault while connecting to a server", { error });
      this.#end({ how: "was closed", stderr: "" });
    }
  }

  /** Makes one attempt. @returns 200 when the connection stands, else the status of the refusal. */
  async #dial(): Promise<Response> {
    // Loaded by whoever needs it: it brings Node's whole HTTP along.
    const { WebSocket } = await import("ws");
    const { headers, maxServerMessageBytes } = this.#options;
    const { signal } = this.#life;
    signal.throwIfAborted();
    const outcome = Promise.withResolvers<Response>();
    const socket = new WebSocket(this.#url, ["mcp"], {
      headers: { ...headers },
      maxPayload: 2 * maxServerMessageBytes,
      perMessageDeflate: false,
      followRedirects: false,
    });
    const giveUp = () => socket.terminate();
    signal.addEventListener("abort", giveUp);
    socket.on("open", () => {
      this.#onOpen(socket);
      outcome.resolve(new Response(null));
    });
    socket.on("unexpected-response", (request, refusal) => {
      outcome.resolve(asResponse(refusal));
      request.destroy();
    });
    // Before the connection stands; rejected again later, that means nothing.
    socket.on("error", ({ message }) => {
      if (this.#socket === socket) this.#how ??= { how: `failed: ${message}`, stderr: "" };
      const mayPass = /\bE[A-Z]{4,}\b/.test(message);
      outcome.reject(new NoResponse(message, { sent: false, mayPass }));
    });
    socket.on("message", (data) => this.#onText(data.toString()));
    socket.on("ping", () => this.#silentPings = 0);
    socket.on("pong", () => this.#silentPings = 0);
    socket.on(
      "close",
      (code, reason) => this.#socket === socket && this.#onClose(code, `${reason}`),
    );
    try {
      return await outcome.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #onOpen(socket: WebSocket): void {
    this.#socket = socket;
    if (this.#state !== "connecting") return socket.terminate();
    this.#state = "open";
    this.#watch();
    for (const text of this.#waiting.splice(0)) this.#write(socket, text);
  }

  #write(socket: WebSocket, text: string): void {
    socket.send(text, () => this.#state !== "ended" && this.#backlog.done(text.length));
  }

  /** Asks the other end for a sign of life now and then: a connection can die without a word. */
  #watch(): void {
    const { clock } = this.#options;
    const due = clock.now() + PING_MS;
    this.#pingTimer = clock.after(PING_MS, () => {
      // Late by more than itself: this machine slept, and the answers had no time to arrive.
      if (clock.now() - due > PING_MS) this.#silentPings = 0;
      if (this.#silentPings >= MAX_SILENT_PINGS) {
        this.#how ??= { how: "answered no ping", stderr: "" };
        return this.#socket!.terminate();
      }
      this.#silentPings++;
      this.#socket!.ping();
      this.#watch();
    });
  }

  #onText(text: string): void {
    this.#silentPings = 0;
    if (this.#state !== "open") return;
    if (text.length > this.#options.maxServerMessageBytes) {
      return this.#events.onOversizeLine({ head: text.slice(0, KEPT), tail: text.slice(-KEPT) });
    }
    for (const line of linesOf(text)) if (this.#state === "open") this.#events.onLine(line);
  }

  #onClose(code: number, reason: string): void {
    const how = code === 1006 ? "broke the connection off" : `closed the connection (code ${code})`;
    this.#end(this.#how ?? { how, stderr: reason });
  }

  #end(end: WireEnd): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#pingTimer?.[Symbol.dispose]();
    this.#waiting = [];
    this.#backlog.clear();
    this.#events.onEnd(end);
    this.#closed.resolve();
  }
}

/** A refused handshake as any other response. */
function asResponse({ statusCode = 502, headers }: WsRefusal): Response {
  const kept = ["retry-after", "date", "location"].flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value] as [string, string]] : [];
  });
  // What is no status of a response at all is as good as none.
  const status = statusCode >= 300 && statusCode < 600 ? statusCode : 502;
  return new Response(null, { status, headers: kept });
}
