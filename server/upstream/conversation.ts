/**
 * What is said between the daemon and one server: ids minted, calls given and their answers brought back
 * to exactly the call they belong to, notifications sorted, everything else refused or dropped.
 *
 * Guarantees: an id is used once in the life of an instance; a line that cannot be read harms nobody but
 * the calls it names. Who waits for a turn, and when the server is started, is the instance's business.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import {
  answerIdsIn,
  findAnswerId,
  replaceAnswerId,
  salvageAnswerIds,
} from "../../protocol/answer.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, stringifyJson } from "../../protocol/json.ts";
import {
  describe,
  idText,
  type NotificationMessage,
  notificationText,
  parseMessage,
  type RequestMessage,
  requestText,
  type ResponseMessage,
} from "../../protocol/message.ts";
import { isModernRequest, META, metaOf } from "../../protocol/modern.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";
import type { Logger } from "../daemon/log.ts";
import { Boundary } from "./boundary.ts";
import { isAskable, type UpstreamCall } from "./call.ts";
import type { Askable } from "./question.ts";
import type { HandshakeRequest } from "./handshake.ts";
import { HeldLines } from "./held_lines.ts";
import { type Doubt, type Entry, InFlight } from "./in_flight.ts";
import type { Wire } from "./wire.ts";

/** Options of {@linkcode Conversation}. */
export interface ConversationOptions {
  /** Name of the server. */
  name: string;
  clock: Clock;
  log: Logger;
  /** Milliseconds a call may be silent: no answer, no progress. */
  callTimeoutMs: number;
  /** The answer to a request of the handshake: an object with `result` or `error`. */
  onHandshake(method: HandshakeRequest["method"], answer: JsonObject): void;
  /** A call has left the table. */
  onAnswered(): void;
  /** Calls that waited for {@linkcode Conversation.hasRoom} may find it. */
  onRoom(): void;
  /** A request of the server's, other than `ping`. */
  onRequest(request: ServerRequest): void;
  /** A notification other than progress, with the text it came in. */
  onNotification(message: NotificationMessage, text: string): void;
}

/** See {@linkcode Conversation.topic}. */
export type Topic = "calls" | "before" | "either";

/** A stream of notifications of a modern server. */
export interface Listen {
  /** The server says what it will tell. */
  onAcknowledged(notifications: JsonObject): void;
  /** It ended, in good order or with an error. */
  onEnd(error: unknown): void;
}

/** Something a server asks of its client. */
export interface ServerRequest {
  /** JSON text of the server's id. */
  readonly id: string;
  readonly method: string;
  readonly params: JsonObject | undefined;
  /** Answers it; dropped when the process that asked is gone. */
  respond(answer: { result: unknown } | { error: unknown } | Fault): void;
}

/** Characters that may wait for the server beside what it was sent, so that answers wait there as well. */
const MAX_HELD_ANSWERS = 4 * 1024 * 1024;

/** Requests of the daemon's own remembered whose answers nobody waits for. */
const MAX_FORGONE = 100;

/** The calls in flight at one server, and what it says. */
export class Conversation {
  /** The connection of now; undefined while there is none. */
  wire: Wire | undefined;
  /** What every request to a modern server carries; undefined for a legacy one. */
  defaultMeta: JsonObject | undefined;
  /** Whether the server tells its clients what it does, so that it matters whose work it speaks of. */
  marksBoundaries = false;
  readonly #name: string;
  readonly #options: ConversationOptions;
  readonly #inFlight = new InFlight();
  readonly #handshakes = new Map<number, HandshakeRequest["method"]>();
  readonly #listens = new Map<number, Listen>();
  /** Requests of the daemon's own whose answers are not waited for any more, and may come. */
  readonly #forgone = new Set<number>();
  readonly #boundary: Boundary;
  /** What is sent once the boundary is passed, or once there is room. */
  readonly #held = new HeldLines();
  #lastId = 0;

  constructor(options: ConversationOptions) {
    this.#name = options.name;
    this.#options = options;
    this.#boundary = new Boundary({
      clock: options.clock,
      mintId: () => ++this.#lastId,
      ping: (id) => void this.wire?.send(requestText(String(id), "ping", undefined)),
      onPassed: () => this.onRoom(),
      onGivenUp: (id) => this.#forgo(id),
    });
  }

  /** Calls that were given to the server, in all. */
  given = 0;

  /** See {@linkcode InFlight.isQuiet}. */
  get isQuiet(): boolean {
    return this.#inFlight.isQuiet;
  }

  /** See {@linkcode InFlight.hasOwn}. */
  get hasOwnCalls(): boolean {
    return this.#inFlight.hasOwn;
  }

  /** Calls somebody waits for. */
  get waiting(): number {
    return this.#inFlight.waiting;
  }

  /** Calls `owner` waits for. */
  waitingFor(owner: string): number {
    return this.#inFlight.waitingFor(owner);
  }

  /** See {@linkcode InFlight.onlyClient}. */
  get onlyClient(): string | undefined {
    return this.#inFlight.onlyClient;
  }

  /** See {@linkcode InFlight.workFor}. */
  workFor(client: string): void {
    this.#inFlight.workFor(client);
  }

  /** See {@linkcode InFlight.soleOwner}; calls that the server was not sent yet do not count. */
  get soleOwner(): string | undefined {
    const owner = this.#inFlight.soleOwner;
    return owner !== undefined && this.#isSentNothing(owner) ? undefined : owner;
  }

  /** See {@linkcode InFlight.doubt}; calls that the server was not sent yet do not count. */
  get doubt(): Doubt | undefined {
    const owner = this.#inFlight.soleOwner;
    return owner !== undefined && this.#isSentNothing(owner) ? "none" : this.#inFlight.doubt;
  }

  /** Whether all calls of `owner` are held: then nothing that the server says can be about them. */
  #isSentNothing(owner: string): boolean {
    const held = this.#held.ids.filter((id) => this.#inFlight.get(id)?.call?.owner === owner);
    return held.length > 0 && held.length === this.#inFlight.unansweredOf(owner);
  }

  /** See {@linkcode InFlight.isFreeFor}. */
  isFreeFor(owner: string): boolean {
    return this.#inFlight.isFreeFor(owner);
  }

  /** Whether a client other than `owner` waits for a call. */
  othersWait(owner: string): boolean {
    return this.#inFlight.othersWait(owner);
  }

  /** The calls in flight whose clients can be asked, oldest first. */
  askable(): (UpstreamCall & Askable)[] {
    return [...this.#inFlight.live()].map(({ call }) => call).filter(isAskable);
  }

  /** The calls of `owner` are not silent: its client is being asked, or has answered. */
  heardOf(owner: string): void {
    const deadline = this.#options.clock.now() + this.#options.callTimeoutMs;
    for (const entry of this.#inFlight.live()) {
      if (entry.call.owner !== owner) continue;
      entry.deadline = deadline;
      entry.heard = true;
    }
  }

  /** Sends a request of the handshake; its answer goes to `onHandshake`. */
  shakeHands({ method, params }: HandshakeRequest): void {
    const id = ++this.#lastId;
    this.#handshakes.set(id, method);
    this.wire?.send(requestText(String(id), method, params));
  }

  /** No answer to the handshake is waited for any more. */
  endHandshake(): void {
    for (const id of this.#handshakes.keys()) this.#forgo(id);
    this.#handshakes.clear();
  }

  /** Opens a stream of notifications at a modern server. @returns its id. */
  listen(params: JsonObject, listen: Listen): number {
    const id = ++this.#lastId;
    this.#listens.set(id, listen);
    const text = requestText(String(id), "subscriptions/listen", this.#withMeta(params));
    if (!this.#held.isEmpty || this.wire?.send(text) === false) this.#held.add(id, text);
    return id;
  }

  /** Ends such a stream. */
  endListen(id: number): void {
    if (!this.#listens.delete(id)) return;
    // It was never there.
    if (this.#held.remove(id)) return;
    this.#forgo(id);
    const text = notificationText("notifications/cancelled", { requestId: id });
    if (this.wire?.send(text) === false) this.#held.add(id, text);
  }

  /**
   * What the server is speaking of now: of the calls in flight alone, of what was before them, or of
   * either, because calls of two clients have met.
   */
  get topic(): Topic {
    if (this.#boundary.isPending) return "before";
    // Source: MCP 2026-07-28, server/utilities/logging: messages belong to a request that is under way.
    if (this.defaultMeta !== undefined) return "calls";
    return this.#boundary.haveMet || !this.marksBoundaries ? "either" : "calls";
  }

  /** Whether the server can be given a call now: it takes messages, and reads them. */
  get hasRoom(): boolean {
    const { writable, room } = this.wire!;
    return writable && room > this.#held.length;
  }

  /** The server reads on: what waits for that is sent. */
  onRoom(): void {
    this.#held.flush(
      (text) => this.wire?.send(text) ?? false,
      () => !this.#boundary.isPending,
    );
    this.#options.onRoom();
  }

  /** Gives a call to the server; there must be a wire, and {@linkcode hasRoom}. */
  dispatch(call: UpstreamCall): void {
    if (this.marksBoundaries) this.#boundary.mark(call.owner, this.#inFlight.isQuiet);
    const id = ++this.#lastId;
    let text: string;
    let progressToken: string | undefined;
    try {
      const own = withOwnProgressToken(this.#withMeta(call.params), id);
      progressToken = own.progressToken;
      text = requestText(id, call.method, own.params);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return call.fail(
        new Fault("invalid_request", `Cannot pass on ${call.method}: its params nest too deeply`),
      );
    }
    // Before sending: an answer must always find its call.
    const deadline = this.#options.clock.now() + this.#options.callTimeoutMs;
    this.given++;
    this.#inFlight.add(call, { id, progressToken, deadline });
    const isHeld = this.#boundary.isPending || !this.#held.isEmpty;
    if (isHeld || !this.wire!.send(text)) this.#held.add(id, text);
  }

  /** Nobody waits for `call` any more: the server is told, and its late answer will be dropped. */
  abandon(call: UpstreamCall, reason: string): void {
    const id = this.#inFlight.abandon(call);
    if (id === undefined) return;
    if (this.#held.remove(id)) {
      // It was never there.
      this.#inFlight.take(id);
      return;
    }
    const isRefused =
      this.wire?.send(notificationText("notifications/cancelled", { requestId: id, reason })) ===
        false;
    // Its client may give any reason: what has to wait is kept short.
    if (isRefused) {
      this.#held.add(id, notificationText("notifications/cancelled", { requestId: id }));
    }
  }

  /** Ids of what the server was not even sent. */
  get unsent(): number[] {
    return this.#held.ids;
  }

  /** Takes a call out that was never executed, if somebody still waits for it. */
  takeBack(id: number): UpstreamCall | undefined {
    return this.#inFlight.take(id)?.call;
  }

  /** A call that will get no answer from the server. */
  onLost(id: number, fault: Fault): void {
    const error = { code: fault.code, message: fault.message };
    if (this.#isOwn(id)) this.#onResponse({ kind: "response", id: String(id), error });
    else this.#take(id)?.fail(fault);
  }

  /** Takes out all calls somebody waits for: the server is gone. */
  clear(): (Entry & { call: UpstreamCall })[] {
    this.#listens.clear();
    this.#forgone.clear();
    this.#boundary.clear();
    this.#held.clear();
    return this.#inFlight.clear();
  }

  /**
   * Calls that were silent for too long.
   *
   * @param late Milliseconds this machine or process slept: they are nobody's fault.
   */
  overdue(now: number, late: number): UpstreamCall[] {
    const overdue: UpstreamCall[] = [];
    for (const entry of this.#inFlight.live()) {
      entry.deadline += late;
      if (now >= entry.deadline) overdue.push(entry.call);
    }
    return overdue;
  }

  // ---- what the server says

  /** Takes one line from the server. */
  onLine(line: string): void {
    const found = findAnswerId(line);
    if (found !== undefined && !this.#isOwn(found.id)) {
      const call = this.#take(found.id);
      call?.answer(replaceAnswerId(line, found, call.id));
      return;
    }
    let message;
    try {
      message = parseMessage(line);
    } catch (error) {
      const why = asFault(error).reason === "parse_error" ? "is not JSON" : "is not JSON-RPC";
      return this.#onUnreadable(answerIdsIn(line), { head: line.slice(0, 200), why });
    }
    switch (message.kind) {
      case "response":
        return this.#onResponse(message);
      case "request":
        return this.#onRequest(message);
      case "notification":
        return this.#onNotification(message, line);
    }
  }

  #onResponse({ id, result, error }: ResponseMessage): void {
    const body = error === undefined ? { result } : { error };
    const handshake = this.#handshakes.get(Number(id));
    if (handshake !== undefined) {
      this.#handshakes.delete(Number(id));
      return this.#options.onHandshake(handshake, body);
    }
    // An error is an answer as well.
    if (this.#boundary.has(Number(id))) return this.#boundary.pass();
    const listen = this.#listens.get(Number(id));
    if (listen !== undefined) {
      this.#listens.delete(Number(id));
      return listen.onEnd(error);
    }
    const call = this.#take(Number(id));
    if (call === undefined) return;
    const [[key, value]] = Object.entries(body);
    let text: string;
    try {
      text = stringifyJson(value);
    } catch (cause) {
      return call.fail(this.#invalid("nests too deeply", cause));
    }
    call.answer(`{"jsonrpc":"2.0","id":${call.id},"${key}":${text}}`);
  }

  /** Whether `id` was given to a request of the daemon's own that is not a call. */
  #isOwn(id: number): boolean {
    return this.#boundary.has(id) || this.#handshakes.has(id) || this.#listens.has(id);
  }

  /** To a modern server every request says who makes it; calls of legacy clients do not by themselves. */
  #withMeta(params: JsonObject | undefined): JsonObject | undefined {
    if (this.defaultMeta === undefined || isModernRequest(params)) return params;
    return { ...params, _meta: { ...metaOf(params), ...this.defaultMeta } };
  }

  /** The answer to a request of the daemon's own is not waited for any more; when it comes, that is no news. */
  #forgo(id: number): void {
    this.#forgone.add(id);
    if (this.#forgone.size <= MAX_FORGONE) return;
    const [oldest] = this.#forgone;
    this.#forgone.delete(oldest!);
  }

  /** The call an answer belongs to, if somebody still waits for it. */
  #take(id: number): UpstreamCall | undefined {
    const entry = this.#inFlight.take(id);
    if (entry === undefined && !this.#forgone.delete(id)) {
      this.#options.log.warn("answer to a question never asked, or answered before; dropped", {
        server: this.#name,
        id,
      });
    }
    this.#options.onAnswered();
    return entry?.call;
  }

  #onRequest({ id, method, params }: RequestMessage): void {
    const asked = this.wire;
    const respond: ServerRequest["respond"] = (answer) => {
      // Another process never asked this.
      if (this.wire === asked) this.#sayOrHold(answerText(id, answer), method);
    };
    if (method === "ping") return respond({ result: {} });
    this.#options.onRequest({ id, method, params, respond });
  }

  /** Sends the answer to a question of the server's, at once or as soon as it reads on. */
  #sayOrHold(answer: string, method: string): void {
    if (this.wire?.send(answer) !== false) return;
    // Whoever asks on and on without reading is not waited for without end.
    if (this.#held.length + answer.length <= MAX_HELD_ANSWERS) {
      return this.#held.add(++this.#lastId, answer);
    }
    this.#options.log.warn(
      "a server does not read its input; the answer to a question it asked was dropped",
      { server: this.#name, method: describe(method) },
    );
  }

  #onNotification(message: NotificationMessage, line: string): void {
    if (message.method === "notifications/subscriptions/acknowledged") {
      const { notifications } = message.params ?? {};
      const id = Number(idText(metaOf(message.params)[META.subscriptionId]));
      this.#listens.get(id)?.onAcknowledged(isObject(notifications) ? notifications : {});
      return;
    }
    if (message.method !== "notifications/progress") {
      return this.#options.onNotification(message, line);
    }
    const { progressToken, ...rest } = message.params ?? {};
    const entry = this.#inFlight.get(Number(idText(progressToken)));
    if (entry?.call === undefined || entry.progressToken === undefined) return;
    entry.deadline = this.#options.clock.now() + this.#options.callTimeoutMs;
    entry.heard = true;
    const params = stringifyJson(rest).slice(1);
    const separator = params === "}" ? "" : ",";
    entry.call.progress(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":` +
        `{"progressToken":${entry.progressToken}${separator}${params}}`,
    );
  }

  /** Takes the two ends of a line that was too long. */
  onOversize(ends: LineEnds): void {
    const { head } = ends;
    this.#onUnreadable(salvageAnswerIds(ends), { head, why: "is longer than the limit" });
  }

  #onUnreadable(ids: number[], { head, why }: { head: string; why: string }): void {
    this.#options.log.warn(`a line from a server ${why}; dropped`, { server: this.#name, head });
    for (const id of ids) this.#take(id)?.fail(this.#invalid(why));
  }

  #invalid(why: string, cause?: unknown): Fault {
    return new Fault(
      "upstream_invalid",
      `The answer of server ${JSON.stringify(this.#name)} ${why}`,
      {
        server: this.#name,
        cause,
      },
    );
  }
}

function answerText(id: string, answer: Parameters<ServerRequest["respond"]>[0]): string {
  if (answer instanceof Fault) return answer.toResponseText(id);
  const [[key, value]] = Object.entries(answer);
  try {
    return `{"jsonrpc":"2.0","id":${id},"${key}":${stringifyJson(value)}}`;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const fault = new Fault("invalid_request", "The client's answer nests too deeply");
    return fault.toResponseText(id);
  }
}

/**
 * Params with our id as the progress token, so that tokens of different clients cannot meet. Without a
 * token of the client's, none is added.
 */
function withOwnProgressToken(
  params: JsonObject | undefined,
  id: number,
): { params: JsonObject | undefined; progressToken: string | undefined } {
  const meta = params?._meta as JsonObject | undefined | null;
  if (typeof meta !== "object" || meta === null || meta.progressToken === undefined) {
    return { params, progressToken: undefined };
  }
  return {
    params: { ...params, _meta: { ...meta, progressToken: id } },
    progressToken: stringifyJson(meta.progressToken),
  };
}
