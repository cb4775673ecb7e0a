/**
 * A client's call on its way through the daemon: it joins the session it came from, the instance it
 * went to, and the one place its answer goes.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, stringifyJson } from "../../protocol/json.ts";
import { describe, type RequestMessage } from "../../protocol/message.ts";
import { META, metaOf } from "../../protocol/modern.ts";
import { LATEST_LEGACY_REVISION } from "../../protocol/revisions.ts";
import type { ClientCall } from "../bridge/client_call.ts";
import { modernResult } from "../bridge/shapes.ts";
import type { UpstreamCall } from "../upstream/call.ts";
import type { Instance } from "../upstream/instance.ts";
import type { OpenQuestion, Question } from "../upstream/question.ts";
import type { Session } from "./session.ts";

/** Where an inbound transport takes what belongs to one call. */
export interface Reply {
  /**
   * The one answer, as text with the client's id.
   *
   * @param fault What it is made of, when the daemon itself gives it: for transports with a status.
   */
  answer(text: string, fault: Fault | undefined): void;
  /**
   * A message that belongs to this call, before its answer: a notification, or a question to the client.
   *
   * @returns false when the client cannot be given anything but the answer.
   */
  notify(text: string): boolean;
}

/** What a transport knows of a call beside its message. */
export interface CallOptions {
  /**
   * Headers that repeat arguments of a tool, by their names after `Mcp-Param-` in lower case. Undefined
   * where there are no headers.
   */
  paramHeaders?: () => ReadonlyMap<string, string>;
}

/** By which a session knows its calls: the client's id, or a number of ours where ids may be equal. */
export type CallKey = string | number;

/**
 * The key of an id, given as JSON text. Equal for equal texts alone. Plain whole numbers, which nearly all
 * ids are, become numbers: a table finds them without hashing a text that it has never seen (1 µs).
 */
export function keyOfId(id: string): CallKey {
  if (id.length > MAX_DIGITS) return id;
  let number = 0;
  for (let at = 0; at < id.length; at++) {
    const digit = id.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return id;
    number = number * 10 + digit;
  }
  return number;
}

/** So many digits are always a number that a double holds. */
const MAX_DIGITS = 15;
const ZERO = 48;

let lastKey = 0;

/** One call of one client. Settles exactly once; whatever comes later is dropped. */
export class Call implements UpstreamCall, ClientCall {
  readonly session: Session;
  readonly id: string;
  /** By which its session knows it. */
  readonly key: CallKey;
  readonly method: string;
  params: JsonObject | undefined;
  waitsUntil?: number;
  /** See {@linkcode CallOptions}. */
  readonly paramHeaders: (() => ReadonlyMap<string, string>) | undefined;
  readonly #reply: Reply;
  #settled = false;
  #onCancelled: ((reason: string) => void)[] | undefined;
  /** Ends it in good order when the daemon stops, where there is such an end. */
  #finish: (() => void) | undefined;
  #onSettled: (() => void)[] | undefined;

  constructor(
    session: Session,
    message: RequestMessage,
    reply: Reply,
    { paramHeaders }: CallOptions = {},
  ) {
    this.session = session;
    this.id = message.id;
    // Requests of the modern era are independent of each other, and may have the same id.
    this.key = session.isModern ? ++lastKey : keyOfId(message.id);
    this.method = message.method;
    this.params = message.params;
    this.paramHeaders = paramHeaders;
    this.#reply = reply;
  }

  get owner(): string {
    return this.session.id;
  }

  get turn(): string {
    return this.session.turn;
  }

  get principal(): string {
    return this.session.principal;
  }

  get capabilities(): JsonObject {
    if (!this.session.isModern) return this.session.capabilities;
    // Every request says it for itself.
    const declared = metaOf(this.params)[META.clientCapabilities];
    return isObject(declared) ? declared : {};
  }

  get clientInfo(): unknown {
    return this.session.clientInfo;
  }

  get protocolVersion(): string {
    return this.session.protocolVersion ?? LATEST_LEGACY_REVISION;
  }

  get logLevel(): string | null {
    if (!this.session.isModern) return this.session.logLevel;
    const level = metaOf(this.params)[META.logLevel];
    return typeof level === "string" ? level : null;
  }

  /** Hands the call to a server, as it is. */
  submitTo(instance: Instance): void {
    this.whenCancelled((reason) => instance.abandon(this, reason));
    instance.submit(this);
  }

  ask(question: Question, sure: boolean): OpenQuestion {
    // One of several calls of this client's: its own stream says less that may be wrong.
    return this.session.ask(question, sure || !this.session.mailbox.attached ? this : undefined);
  }

  answer(text: string): void {
    this.#settle(text, undefined);
  }

  /** Answers with a result made here. */
  succeed(result: unknown): void {
    this.#write("result", this.session.isModern ? modernResult(this.method, result) : result);
  }

  /** Answers with the error a server gave, for calls that were not simply passed on. */
  failWith(error: unknown): void {
    this.#write("error", error);
  }

  /** Answers a call that goes on for as long as its client is there. */
  whenDraining(finish: () => void): void {
    this.#finish = finish;
  }

  /** Whether it goes on for as long as its client is there. */
  get isEndless(): boolean {
    return this.#finish !== undefined;
  }

  /** The daemon stops: an endless call ends in good order, any other fails. */
  end(fault: Fault): void {
    if (this.#finish !== undefined) this.#finish();
    else this.fail(fault);
  }

  fail(fault: Fault): void {
    this.#settle(fault.toResponseText(this.id), fault);
  }

  progress(text: string): void {
    this.notify(text);
  }

  /** Whether it was answered. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Passes on a message that belongs to this call. @returns false when there is no way to. */
  notify(text: string): boolean {
    return !this.#settled && this.#reply.notify(text);
  }

  /** The client wants no answer any more: the server is told, and whoever still listens as well. */
  cancel(reason: string): void {
    if (this.#settled) return;
    for (const callback of this.#onCancelled ?? []) callback(reason);
    this.fail(new Fault("cancelled", `The call was cancelled: ${reason}`));
  }

  /** Calls back once it is answered; at once when it is. */
  whenSettled(callback: () => void): void {
    if (this.#settled) callback();
    else (this.#onSettled ??= []).push(callback);
  }

  whenCancelled(callback: (reason: string) => void): void {
    // Nearly always one; an array that is pushed to has room for seventeen.
    if (this.#onCancelled === undefined) this.#onCancelled = [callback];
    else this.#onCancelled.push(callback);
  }

  #write(key: "result" | "error", value: unknown): void {
    let text: string;
    try {
      text = stringifyJson(value);
    } catch (cause) {
      return this.fail(
        new Fault("upstream_invalid", `The answer to ${describe(this.method)} nests too deeply`, {
          cause,
        }),
      );
    }
    this.#settle(`{"jsonrpc":"2.0","id":${this.id},"${key}":${text}}`, undefined);
  }

  #settle(text: string, fault: Fault | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.session.calls.delete(this.key);
    this.session.touch();
    this.#reply.answer(text, fault);
    for (const callback of this.#onSettled ?? []) callback();
  }
}
