/**
 * The stdio bridge for the modern era (2026-07-28): every request stands for itself, is cancelled by a
 * notification, and what is listened for comes between the answers.
 *
 * Guarantees: every request is answered exactly once, except one that its client cancelled, of which
 * nothing more is said. When the daemon restarts, what it certainly did not execute and what changes
 * nothing is sent again to the next one; a tool call that was under way gets an error. A subscription
 * whose connection broke is made anew, and its client is told that what it listens for may have changed
 * meanwhile; one that a daemon ended on purpose has ended.
 *
 * Not guaranteed: that calls beside it survive a message that is too long for the daemon, which closes
 * the connection at it.
 *
 * @module
 */

import { delay } from "../../client/scope.ts";
import { ChurningMap } from "../../platform/churning_map.ts";
import { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../protocol/json.ts";
import { type Message, notificationText, parseMessage } from "../../protocol/message.ts";
import { META } from "../../protocol/modern.ts";
import {
  errorText,
  lostFault,
  refusesConnection,
  seemsToAnswer,
  unreadableFault,
  wasRefusedByDraining,
} from "./stdio_bridge_faults.ts";
import { type BridgeWire, NotTaken, type WireListener } from "./stdio_bridge_wire.ts";

/** Options of {@linkcode ModernSide}. */
export interface ModernSideOptions {
  /** Connects to the daemon as it is now. @throws {NotTaken} when that may succeed a moment later. */
  open(listener: WireListener): Promise<BridgeWire>;
  /** Takes one message for the client, without its line end. */
  write(line: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  /** Ends everything. */
  signal: AbortSignal;
  /** Milliseconds for reaching a daemon again before a request fails. */
  patienceMs: number;
}

/** A request of the client's. */
export interface ModernRequest {
  /** JSON text of its id. */
  id: string;
  method: string;
  /** As it came. */
  line: string;
}

/** A request that is not answered. */
interface Asked extends ModernRequest {
  /** The connection it was sent over; undefined while it waits for one. */
  wire: BridgeWire | undefined;
  /** Whether it left whole, or may have. */
  isSent: boolean;
  /** What a subscription was granted, once it was. */
  granted: JsonObject | undefined;
  /** Connections that were lost under it. */
  losses: number;
  /** When a daemon must have taken it, on the clock of `performance.now`. */
  until: number;
  answered: PromiseWithResolvers<void>;
}

/** A connection, and what the daemon said of it as a whole. */
interface Line {
  wire: BridgeWire | undefined;
  refusal: unknown;
}

const LISTEN = "subscriptions/listen";
const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";
/** Milliseconds between two attempts, at first; doubles. */
const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 500;
/** Connections that may be lost under a request before it is taken for the cause. */
const MAX_LOSSES = 2;

/** What is said of each thing that was listened for when it may have changed unseen. */
const LISTS: Readonly<Record<string, string>> = {
  toolsListChanged: "notifications/tools/list_changed",
  promptsListChanged: "notifications/prompts/list_changed",
  resourcesListChanged: "notifications/resources/list_changed",
};

/** The modern requests of one client. */
export class ModernSide {
  readonly #options: ModernSideOptions;
  readonly #asked = new ChurningMap<string, Asked>();
  #wire: Promise<BridgeWire> | undefined;
  /** Connections that have ended. */
  readonly #over = new WeakSet<BridgeWire>();

  constructor(options: ModernSideOptions) {
    this.#options = options;
  }

  /** Sends a request. Resolves when it was answered or cancelled; never rejects. */
  ask(request: ModernRequest): Promise<void> {
    const { id } = request;
    if (this.#asked.has(id)) {
      const fault = new Fault("invalid_request", `A request with the id ${id} is in flight`);
      this.#options.write(fault.toResponseText(id));
      return Promise.resolve();
    }
    const asked: Asked = {
      ...request,
      wire: undefined,
      isSent: false,
      granted: undefined,
      losses: 0,
      until: performance.now() + this.#options.patienceMs,
      answered: Promise.withResolvers(),
    };
    this.#asked.set(id, asked);
    void this.#deliver(asked);
    return asked.answered.promise;
  }

  /** Cancels the request `id`. @returns false when it is none of this side's, or answered. */
  cancel(id: string, line: string): boolean {
    const asked = this.#asked.get(id);
    if (asked === undefined) return false;
    this.#settle(asked);
    // Where it is not sent yet, it never will be. A daemon that is gone has nothing to cancel.
    asked.wire?.send(line).catch(() => {});
    return true;
  }

  /** Resolves when only subscriptions are left. */
  async answered(): Promise<void> {
    const calls = [...this.#asked.values()].filter(({ method }) => method !== LISTEN);
    await Promise.all(calls.map(({ answered }) => answered.promise));
  }

  /** Ends it. Whatever is unanswered is answered with `why`; subscriptions just end. */
  async close(why: Fault): Promise<void> {
    for (const asked of [...this.#asked.values()]) {
      if (asked.method === LISTEN) this.#settle(asked);
      else this.#answer(asked, why.toResponseText(asked.id));
    }
    (await this.#wire?.catch(() => undefined))?.close();
  }

  /** Sends a request until a daemon has taken it, or patience ends. */
  async #deliver(asked: Asked): Promise<void> {
    const { signal } = this.#options;
    for (let wait = FIRST_WAIT_MS; this.#isOpen(asked); wait = Math.min(wait * 2, MAX_WAIT_MS)) {
      const reached = this.#reached();
      let wire: BridgeWire | undefined;
      try {
        wire = await reached;
        if (!this.#isOpen(asked)) return;
        asked.wire = wire;
        asked.isSent = false;
        await wire.send(asked.line);
        asked.isSent = true;
        if (this.#over.has(wire) && asked.wire === wire) this.#lose(asked);
        return;
      } catch (error) {
        // It was seen to meanwhile.
        if (asked.wire !== wire) return;
        asked.wire = undefined;
        if (this.#wire === reached) this.#wire = undefined;
        if (!(error instanceof NotTaken) || performance.now() >= asked.until) {
          return this.#answer(asked, errorText(error, asked.id));
        }
      }
      await delay(wait, signal).catch(() => {}); // What ended it has answered this as well.
    }
  }

  #reached(): Promise<BridgeWire> {
    return this.#wire ??= this.#open();
  }

  #open(): Promise<BridgeWire> {
    const line: Line = { wire: undefined, refusal: undefined };
    const opened = this.#options.open({
      onText: (text) => this.#take(text, line),
      onEnd: () => {
        if (this.#wire === opened) this.#wire = undefined;
        if (line.wire !== undefined) this.#onEnd(line.wire, line.refusal);
      },
    }).then((wire) => line.wire = wire);
    return opened;
  }

  #take(text: string, line: Line): void {
    let message: Message;
    try {
      message = parseMessage(text);
    } catch (error) {
      this.#options.log(`the daemon said what is no message: ${String(error)}`);
      const meant = [...this.#asked.values()].find(({ id }) => seemsToAnswer(text, id));
      if (meant !== undefined) {
        this.#answer(meant, unreadableFault(meant.method).toResponseText(meant.id));
      }
      return;
    }
    if (message.kind === "response") return this.#takeAnswer(text, message.id, line);
    if (message.kind !== "notification") {
      return this.#options.log(`the daemon asked ${message.method}, which this revision has not`);
    }
    const { method, params } = message;
    if (method === ACKNOWLEDGED && this.#acknowledge(params)) return;
    this.#options.write(text);
  }

  #takeAnswer(text: string, id: string, line: Line): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) {
      // One without an id says what is wrong with the connection. Others belong to what was cancelled.
      if (id === "null") line.refusal = text;
      return;
    }
    if (!wasRefusedByDraining(text)) return this.#answer(asked, text);
    if (this.#wire !== undefined && line.wire === asked.wire) this.#wire = undefined;
    asked.wire = undefined;
    if (performance.now() >= asked.until) this.#answer(asked, text);
    else this.#again(asked);
  }

  /** @returns whether the client knows it already: its subscription was made anew. */
  #acknowledge(params: JsonObject | undefined): boolean {
    const meta = isObject(params?._meta) ? params._meta : {};
    const id = meta[META.subscriptionId];
    const asked = this.#asked.get(stringifyJson(id) ?? "");
    if (asked === undefined) return false;
    const isAgain = asked.granted !== undefined;
    asked.losses = 0;
    asked.granted = isObject(params?.notifications) ? params.notifications : {};
    if (isAgain) this.#tellWhatMayHaveChanged(asked.granted, id);
    return isAgain;
  }

  #tellWhatMayHaveChanged(granted: JsonObject, id: unknown): void {
    const tell = (method: string, more: JsonObject = {}) =>
      this.#options.write(
        notificationText(method, { ...more, _meta: { [META.subscriptionId]: id } }),
      );
    for (const [key, method] of Object.entries(LISTS)) {
      if (granted[key] === true) tell(method);
    }
    const { resourceSubscriptions: uris } = granted;
    if (!Array.isArray(uris)) return;
    for (const uri of uris) tell("notifications/resources/updated", { uri });
  }

  /** A connection is gone: what may be sent again is, and the rest is told. */
  #onEnd(wire: BridgeWire, refusal: unknown): void {
    this.#over.add(wire);
    const lost = [...this.#asked.values()].filter((asked) => asked.wire === wire);
    if (typeof refusal === "string" && refusesConnection(refusal)) {
      for (const asked of lost) this.#refuse(asked, refusal);
      return;
    }
    const refused = typeof refusal === "string" ? longest(lost) : undefined;
    for (const asked of lost) {
      if (asked === refused) {
        asked.wire = undefined;
        this.#answer(asked, refusalFor(refusal as string, asked.id));
      } else if (asked.isSent) this.#lose(asked);
      // Whether the others left is known when their sending ends.
    }
  }

  /** The connection it was sent over was refused as a whole, and it was certainly not executed. */
  #refuse(asked: Asked, refusal: string): void {
    asked.wire = undefined;
    const isOver = !wasRefusedByDraining(refusal) || performance.now() >= asked.until;
    if (isOver) this.#answer(asked, refusalFor(refusal, asked.id));
    else this.#again(asked);
  }

  /** A daemon had it, perhaps, and is gone. */
  #lose(asked: Asked): void {
    asked.wire = undefined;
    if (asked.method === "tools/call" || ++asked.losses > MAX_LOSSES) {
      this.#answer(asked, lostFault(asked.method).toResponseText(asked.id));
    } else {
      asked.until = performance.now() + this.#options.patienceMs;
      this.#again(asked);
    }
  }

  /** Sends a request to the next daemon. Not at once: this one may take a moment to be gone. */
  #again(asked: Asked): void {
    const { signal } = this.#options;
    delay(FIRST_WAIT_MS, signal).then(() => this.#deliver(asked), () => {}); // Ended: answered there.
  }

  #isOpen(asked: Asked): boolean {
    return this.#asked.get(asked.id) === asked;
  }

  #answer(asked: Asked, text: string): void {
    if (!this.#isOpen(asked)) return;
    this.#options.write(text);
    this.#settle(asked);
  }

  #settle(asked: Asked): void {
    this.#asked.delete(asked.id);
    asked.answered.resolve();
  }
}

/** The longest of several requests: a connection that was closed at a message was closed at that one. */
function longest(asked: readonly Asked[]): Asked | undefined {
  return asked.toSorted((one, other) => other.line.length - one.line.length)[0];
}

/** What was said of a connection, under the id of a request. */
function refusalFor(text: string, id: string): string {
  const message = parseJson(text);
  const error = isObject(message) ? message.error : undefined;
  return `{"jsonrpc":"2.0","id":${id},"error":${stringifyJson(error)}}`;
}
