/**
 * The stdio bridge: a client that speaks only stdio on one side, the daemon on the other: a session of
 * Streamable HTTP, whose messages take the short way of `stdio_bridge_lane.ts` where there is one.
 * Messages pass as they are; what the bridge adds is patience.
 *
 * Guarantees: every request is answered exactly once, whatever happens to the daemon. When it restarts,
 * the session goes on: what it certainly did not execute is sent again to the next one, a session that
 * it forgot is initialized again with the client's own words, and only a call that was under way gets an
 * error. Nothing but messages is written.
 *
 * Requests of the modern era say so themselves and are `stdio_bridge_modern.ts`'s; a client may use both
 * eras on one standard input.
 *
 * @module
 */

import { type DirectFetch, directFetch } from "../../platform/direct_fetch.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import {
  idText,
  type Message,
  MessageFault,
  type NotificationMessage,
  parseMessage,
} from "../../protocol/message.ts";
import { isModernRequest } from "../../protocol/modern.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";
import { isObject, parseJson } from "../../protocol/json.ts";
import { AichakuError, messageOf } from "../../client/errors.ts";
import { HttpWire, isEventStream } from "../../client/http_wire.ts";
import { delay } from "../../client/scope.ts";
import { readServerSentEvents } from "../../client/sse.ts";
import { NotSent } from "../../client/transport.ts";
import { Drained, errorText, inputEnded, wasRefusedByDraining } from "./stdio_bridge_faults.ts";
import { type Lane, openLane } from "./stdio_bridge_lane.ts";
import { ModernSide } from "./stdio_bridge_modern.ts";
import { openWire } from "./stdio_bridge_wire.ts";

/** Where the daemon is. */
export interface Reached {
  /** Base URL, without a slash at the end. */
  url: string;
  /** Path of its Unix socket, if it has one. */
  socket: string | undefined;
  token: string | undefined;
}

/** Options of {@linkcode StdioBridge}. */
export interface StdioBridgeOptions {
  /** Finds the daemon, and starts one where that is wanted. Throws when there is none. */
  reach(signal: AbortSignal): Promise<Reached>;
  /** Name of the server; undefined for all of them together. */
  server: string | undefined;
  /** Absolute path of the project, for servers that have one. */
  project: string | undefined;
  /** Takes one message, without its line end. */
  write(line: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  /** Milliseconds for reaching a daemon again before a request fails. Default 30,000. */
  patienceMs?: number;
}

/** A request of the client's. */
interface Asked {
  /** JSON text of its id. */
  id: string;
  method: string;
  /** As it came. */
  line: string;
}

/** The daemon as it was reached, and what there is to say it by. */
interface Way {
  http: HttpWire;
  url: string;
  socket: string | undefined;
  /** Undefined until it is wanted; resolves with undefined where the daemon offers none. */
  lane: Promise<Lane | undefined> | undefined;
  hadLane: boolean;
}

/** Milliseconds that calls may take to be answered after standard input has ended. */
const LAST_ANSWERS_MS = 5_000;
const PATIENCE_MS = 30_000;

/** Milliseconds between two attempts, at first; doubles up to {@linkcode MAX_WAIT_MS}. */
const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 500;

/** Between one client and the daemon. */
export class StdioBridge {
  readonly #options: StdioBridgeOptions;
  readonly #ending = new AbortController();
  /** Requests that are not answered. */
  #unanswered = 0;
  #allAnswered: PromiseWithResolvers<void> | undefined;
  /** Notifications and answers, in the order they came. */
  #order: Promise<void> = Promise.resolve();
  /** How many of them wait. */
  #waiting = 0;
  #way: Promise<Way> | undefined;
  /** That of {@linkcode #way}, while it is open. */
  #lane: Lane | undefined;
  /** All that are open. */
  readonly #lanes = new Set<Lane>();
  /** The client's own `initialize`, for a daemon that forgot the session. */
  #initialize: string | undefined;
  #wasInitialized = false;
  #session: { id: string; revision: string } | undefined;
  #listening: Promise<void> | undefined;
  readonly #fetches = new Map<string, DirectFetch>();
  readonly #modern: ModernSide;
  /** Daemons that are being looked for or started. */
  readonly #reaching = new Set<Promise<unknown>>();

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
    const { server, project, write, log, patienceMs = PATIENCE_MS } = options;
    this.#modern = new ModernSide({
      ...{ write, log, patienceMs, signal: this.#ending.signal },
      open: async (listener) => {
        const reached = await this.#reach();
        return await openWire({ ...reached, server, project }, listener);
      },
    });
  }

  /** Takes one line of the client's. Never throws: what is wrong is answered. */
  receive(line: string): void {
    let message: Message;
    try {
      message = parseMessage(line);
    } catch (error) {
      const id = error instanceof MessageFault ? error.id : "null";
      return this.#options.write(asFault(error).toResponseText(id));
    }
    if (message.kind === "notification" && this.#isModern(message, line)) return;
    if (message.kind !== "request") {
      const method = message.kind === "notification" ? message.method : "an answer";
      return this.#takeOther(line, method);
    }
    const { id, method } = message;
    if (isModernRequest(message.params)) return void this.#modern.ask({ id, method, line });
    this.#unanswered++;
    if (method === "initialize") this.#initialize = line;
    else if (this.#waiting === 0 && this.#lane?.takes(line)) {
      return this.#askShort(this.#lane, { id, method, line });
    }
    // After what was said before it, so that `initialized` comes before the first call.
    const answered = this.#order.then(() => this.#ask({ line, id, method }));
    // Nothing may overtake `initialize`: everything after it needs the session that it gives.
    if (method === "initialize") this.#inOrder(answered);
  }

  #takeOther(line: string, method: string): void {
    const tell = () => this.#tell(line, method);
    if (this.#waiting === 0 && this.#lane?.takes(line)) this.#lane.tell(line).catch(tell);
    else this.#inOrder(this.#order.then(tell));
  }

  /** What comes next waits for this. */
  #inOrder(done: Promise<void>): void {
    this.#waiting++;
    this.#order = done.finally(() => this.#waiting--);
  }

  /** Over an open lane nothing is waited for, and nothing overtakes. */
  #askShort(lane: Lane, { id, method, line }: Asked): void {
    lane.ask({
      ...{ id, method, line },
      settle: (answer) => {
        if (wasRefusedByDraining(answer)) {
          this.#leave(lane);
          void this.#ask({ line, id, method });
        } else this.#answer(answer);
      },
      fail: (error) => {
        if (error instanceof NotSent) void this.#ask({ line, id, method });
        else this.#answer(errorText(error, id));
      },
    });
  }

  #answer(text: string): void {
    this.#options.write(text);
    if (--this.#unanswered === 0) this.#allAnswered?.resolve();
  }

  #answered(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    this.#allAnswered = Promise.withResolvers();
    return this.#allAnswered.promise;
  }

  /** A line was too long to be taken: whoever sent it is told, under its id where that can be read. */
  refuseLine({ head, tail }: LineEnds): void {
    const id =
      /^\s*\{(?:"jsonrpc":"2\.0",)?"id":(-?\d{1,15}|"[^"\\]{0,100}")[,}]/.exec(head)?.[1] ??
        /,"id":(-?\d{1,15}|"[^"\\]{0,100}")(?:,"jsonrpc":"2\.0")?\}\s*$/.exec(tail)?.[1] ?? "null";
    const fault = new Fault("invalid_request", "Cannot take the message: its line is too long");
    this.#options.write(fault.toResponseText(id));
  }

  /**
   * The client has nothing more to say: waits for what it asked, for at most five seconds once its
   * session has begun, then answers the rest with an error and ends the session.
   */
  async finish(): Promise<void> {
    // Finding or starting a daemon, and beginning a session there, has its own time.
    const { patienceMs = PATIENCE_MS } = this.#options;
    await settlesWithin(Promise.all([this.#order, ...this.#reaching]), patienceMs);
    await settlesWithin(Promise.all([this.#answered(), this.#modern.answered()]), LAST_ANSWERS_MS);
    await this.#modern.close(inputEnded());
    const way = await this.#way?.catch(() => undefined);
    const isOver = this.#unanswered === 0;
    this.#ending.abort(inputEnded());
    for (const lane of this.#lanes) lane.close(inputEnded());
    if (!isOver) await this.#answered();
    way?.http.deleteSession();
    await Promise.all([way?.http.settled(), this.#listening]);
    for (const direct of this.#fetches.values()) direct[Symbol.dispose]();
  }

  /** Whether the modern side takes a notification. Its era means only one: a cancellation. */
  #isModern({ method, params }: NotificationMessage, line: string): boolean {
    if (method !== "notifications/cancelled") return false;
    const id = idText(params?.requestId);
    if (id !== undefined && this.#modern.cancel(id, line)) return true;
    // Of a client without a session it can only mean what was answered meanwhile.
    return this.#initialize === undefined;
  }

  async #ask({ line, id, method }: Asked): Promise<void> {
    try {
      this.#answer(
        await this.#deliver(line, method, {
          short: (lane) =>
            new Promise((settle, fail) => lane.ask({ id, method, line, settle, fail })),
          http: async (response, wire) => {
            if (method === "initialize") this.#adopt(response, wire);
            const answer = await this.#readAnswer(response, { wire, id, method });
            if (method === "initialize") this.#adoptRevision(answer, wire);
            return answer;
          },
        }),
      );
    } catch (error) {
      this.#answer(errorText(error, id));
    }
  }

  async #tell(line: string, method: string): Promise<void> {
    try {
      await this.#deliver(line, method, {
        short: async (lane) => {
          await lane.tell(line);
          return "";
        },
        http: async (response) => {
          await response.body?.cancel();
          return "";
        },
      });
    } catch (error) {
      this.#options.log(`could not pass on ${method}: ${messageOf(error)}`);
    }
  }

  /** Sends a message until a daemon has taken it, or patience ends. @returns the answer, if there is one. */
  async #deliver(
    line: string,
    method: string,
    by: {
      short(lane: Lane): Promise<string>;
      http(response: Response, wire: HttpWire): Promise<string>;
    },
  ): Promise<string> {
    const { signal } = this.#ending;
    const end = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS);
    for (let wait = FIRST_WAIT_MS;; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
      const reached = this.#reachedWay();
      try {
        const way = await reached;
        const lane = method === "initialize" ? undefined : await this.#laneOf(way);
        const answer = lane?.takes(line)
          ? await by.short(lane)
          : await by.http(await way.http.post(line, { method, signal }), way.http);
        if (wasRefusedByDraining(answer)) throw new Drained();
        return answer;
      } catch (error) {
        const isSafe = error instanceof NotSent || error instanceof Drained;
        if (!isSafe || performance.now() >= end) {
          throw error instanceof NotSent ? error.error : error;
        }
        // Another request may have met the same end before, and begun anew: that one stays.
        if (this.#way === reached) this.#forget(error);
      }
      await delay(wait, signal);
    }
  }

  /** What was reached is of no use any more. */
  #forget(error: unknown): void {
    this.#way = undefined;
    this.#lane = undefined;
    if (error instanceof NotSent && error.error.reason === "session_not_found") {
      this.#session = undefined;
    }
  }

  /** A lane is of no use for what comes from now on; it still brings what was asked. */
  #leave(lane: Lane): void {
    if (this.#lane !== lane) return;
    this.#lane = undefined;
    this.#way = undefined;
  }

  /** A way to the daemon as it is now, with a session if the client has begun one. */
  #reachedWay(): Promise<Way> {
    const reached = this.#way ??= this.#open();
    reached.catch(() => {
      if (this.#way === reached) this.#way = undefined;
    });
    return reached;
  }

  /** The lane of a way; opened when it has none, or none any more. @throws {NotSent} */
  #laneOf(way: Way): Promise<Lane | undefined> | undefined {
    const { http: { sessionId }, socket } = way;
    if (socket === undefined || sessionId === undefined || this.#session === undefined) return;
    return way.lane ??= this.#openLane(way, { socket, session: sessionId });
  }

  async #openLane(
    way: Way,
    to: { socket: string; session: string },
  ): Promise<Lane | undefined> {
    const { server, project, write, log } = this.#options;
    try {
      const lane = await openLane({
        target: { url: way.url, token: undefined, server, project, ...to },
        onMessage: write,
        log,
      });
      if (lane === undefined) return undefined;
      way.hadLane = true;
      this.#lanes.add(lane);
      void lane.ended.then(() => {
        this.#lanes.delete(lane);
        if (this.#lane === lane) this.#lane = undefined;
        way.lane = undefined;
      });
      if (this.#ending.signal.aborted) lane.close(inputEnded());
      if (await this.#way?.catch(() => {}) === way) this.#lane = lane;
      return lane;
    } catch (error) {
      // A daemon that has just shown that it is there, and is not there by its socket: its file is gone.
      const isDeaf = error instanceof NotSent && error.error.kind === "connection_lost";
      if (isDeaf && !way.hadLane) return undefined;
      way.lane = undefined;
      throw error;
    }
  }

  async #open(): Promise<Way> {
    const { server, project } = this.#options;
    const { url, token, socket } = await this.#reach();
    const endpoint = new URL(server === undefined ? "/mcp" : `/mcp/${server}`, url);
    if (project !== undefined) endpoint.searchParams.set("project", project);
    const http = new HttpWire({
      endpoint: endpoint.href,
      token,
      server: server ?? "all servers",
      fetch: this.#fetchFor(url),
    });
    if (this.#session !== undefined) {
      http.sessionId = this.#session.id;
      http.revision = this.#session.revision;
    } else if (this.#initialize !== undefined && this.#wasInitialized) {
      await this.#initializeAgain(http, this.#initialize);
    }
    return { http, url, socket, lane: undefined, hadLane: false };
  }

  async #reach(): Promise<Reached> {
    const reaching = this.#options.reach(this.#ending.signal);
    this.#reaching.add(reaching);
    try {
      return await reaching;
    } finally {
      this.#reaching.delete(reaching);
    }
  }

  /** One for each daemon that was met: a restarted one mostly has the same address. */
  #fetchFor(url: string): typeof fetch {
    let direct = this.#fetches.get(url);
    if (direct === undefined) this.#fetches.set(url, direct = directFetch(url));
    return direct.fetch;
  }

  /** The daemon forgot the session: begins another, with what the client once said. */
  async #initializeAgain(wire: HttpWire, line: string): Promise<void> {
    const { signal } = this.#ending;
    const message = parseMessage(line);
    const id = message.kind === "request" ? message.id : "null";
    const response = await wire.post(line, { method: "initialize", signal });
    this.#adopt(response, wire);
    // A stream, where the server takes long to start.
    const answer = await this.#readAnswer(response, { wire, id, method: "initialize" })
      .catch((error) => {
        // Nothing but this was asked: the next daemon can be asked the same.
        const isLost = error instanceof AichakuError && error.kind === "connection_lost";
        throw isLost ? new NotSent(error) : error;
      });
    if (wasRefusedByDraining(answer)) throw new NotSent(new AichakuError("rpc", "it is draining"));
    this.#adoptRevision(answer, wire);
    if (this.#session === undefined) {
      throw new AichakuError(
        "protocol",
        `The daemon refused to begin the session again: ${answer}`,
      );
    }
    const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    const taken = await wire.post(initialized, { method: "notifications/initialized", signal });
    await taken.body?.cancel();
    this.#options.log("the daemon had forgotten the session; it was begun again");
  }

  #adopt(response: Response, wire: HttpWire): void {
    wire.sessionId = response.headers.get("mcp-session-id") ?? wire.sessionId;
  }

  #adoptRevision(answer: string, wire: HttpWire): void {
    const message = parseJson(answer);
    const result = isObject(message) && isObject(message.result) ? message.result : undefined;
    if (typeof result?.protocolVersion !== "string" || wire.sessionId === undefined) return;
    wire.revision = result.protocolVersion;
    this.#session = { id: wire.sessionId, revision: wire.revision };
    this.#wasInitialized = true;
    this.#listening ??= this.#listen();
  }

  /** The one answer in a response; whatever else comes on its stream is passed on before. */
  async #readAnswer(
    response: Response,
    { wire, id, method }: { wire: HttpWire; id: string; method: string },
  ): Promise<string> {
    const { signal } = this.#ending;
    try {
      if (!isEventStream(response)) return oneLine(await response.text());
      for await (const { type, data } of readServerSentEvents(response.body!)) {
        if (type !== "message" || data === "") continue;
        const message = parseMessage(data);
        if (message.kind === "response" && message.id === id) return oneLine(data);
        this.#options.write(oneLine(data));
      }
    } catch (error) {
      throw wire.lost(error, { method, signal });
    }
    throw wire.lost(undefined, { method, signal });
  }

  /** Passes on what a server says outside of calls, for as long as there is a session. */
  async #listen(): Promise<void> {
    const { signal } = this.#ending;
    let wait = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        const way = await this.#reachedWay();
        const lane = await this.#laneOf(way);
        if (lane === undefined) {
          const response = await way.http.listenQuietly("", signal);
          if (response === undefined) return;
          wait = FIRST_WAIT_MS;
          for await (const { type, data } of readServerSentEvents(response.body!)) {
            if (type === "message" && data !== "") this.#options.write(oneLine(data));
          }
        } else {
          wait = FIRST_WAIT_MS;
          await lane.ended;
        }
      } catch {
        // Between two daemons. The next attempt, or the next request, tells more.
      }
      if (signal.aborted) return;
      try {
        await delay(wait, signal);
      } catch {
        return; // Ended while waiting.
      }
      wait = Math.min(wait * 2, MAX_WAIT_MS * 10);
    }
  }
}

/** A message as one line: JSON has line ends only between its tokens. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ").trim();
}
