/**
 * The stdio bridge's short way for the legacy era: the messages of a session over one connection to the
 * daemon's Unix socket, instead of a request of HTTP for each. The session begins, is found again and
 * ends over HTTP; a lane only speaks for it while it is open.
 *
 * Guarantees: every call is settled or fails exactly once. A call that fails with {@linkcode NotSent} was
 * certainly not executed: its line never left whole, or the daemon said at the end that it had answered
 * all that it took. One that was lost otherwise may or may not have been.
 *
 * @module
 */

import { AichakuError, faultError } from "../../client/errors.ts";
import { NotSent } from "../../client/transport.ts";
import { ChurningMap } from "../../platform/churning_map.ts";
import { Fault, type Reason } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { type Message, parseMessage } from "../../protocol/message.ts";
import { lostFault, seemsToAnswer, unreadableFault } from "./stdio_bridge_faults.ts";
import { type BridgeWire, NotTaken, openWire, type WireTarget } from "./stdio_bridge_wire.ts";

/** A request of the client's, and who is told what became of it. */
export interface LaneCall {
  /** JSON text of its id. */
  id: string;
  method: string;
  /** As it came. */
  line: string;
  settle(answer: string): void;
  fail(error: unknown): void;
}

/** Options of {@linkcode openLane}. */
export interface LaneOptions {
  target: WireTarget & { socket: string; session: string };
  /** Told what is the answer to no call. */
  onMessage(text: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
}

/** A session's messages over one connection. */
export interface Lane {
  /** Resolves when it is over, and every call was told. */
  readonly ended: Promise<void>;
  /** Whether it takes a message of this length: a longer one would end it for all. */
  takes(line: string): boolean;
  ask(call: LaneCall): void;
  /** Sends what wants no answer. @throws {NotSent} */
  tell(line: string): Promise<void>;
  /** Ends it; calls that are not answered fail with `why`. */
  close(why: unknown): void;
}

/** Milliseconds in which a daemon must have found the session. */
const FOUND_MS = 10_000;

/** What the daemon says of a connection whose calls it has not begun; see `server/inbound/hello.ts`. */
const NOT_BEGUN = '{"aichaku":{"unanswered":"not begun"}}';
/** That it found the session, and how long a message may be here. */
const FOUND = /^\{"aichaku":\{"session":"found","maxBytes":(\d{1,15})\}\}$/;

/**
 * Opens a lane for a session.
 *
 * @returns undefined when this daemon has none to offer: everything goes over HTTP.
 * @throws {NotSent} when nobody is there, or the daemon does not know the session or is stopping.
 */
export async function openLane(options: LaneOptions): Promise<Lane | undefined> {
  const lane = new OpenLane(options);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const wire = await openWire(options.target, {
      onText: (text) => lane.take(text),
      onEnd: () => lane.onEnd(),
    });
    lane.begin(wire);
    // A daemon that hangs answers nothing by HTTP either, but there everybody waits for himself.
    timer = setTimeout(() => lane.found.resolve({ reason: "silent", message: "" }), FOUND_MS);
    const refusal = await lane.found.promise;
    if (refusal === undefined) return lane;
    lane.close(new NotSent(gone("the daemon refused it")));
    if (refusal.reason === "session_not_found" || refusal.reason === "draining") {
      throw new NotSent(faultError("rpc", refusal as Refusal & { reason: Reason }));
    }
    return undefined;
  } catch (error) {
    throw error instanceof NotTaken ? new NotSent(gone(error.message)) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Why there is no lane: what the daemon said, or that it said nothing. */
interface Refusal {
  reason: string;
  message: string;
}

interface Sent extends LaneCall {
  /** Its line left whole. */
  isSent: boolean;
}

class OpenLane implements Lane {
  readonly #options: LaneOptions;
  readonly #calls = new ChurningMap<string, Sent>();
  readonly #ended = Promise.withResolvers<void>();
  #wire: BridgeWire | undefined;
  #maxBytes = 0;
  #isOver = false;
  /** The daemon said that what has no answer was not begun. */
  #nothingBegun = false;
  /** Resolves with undefined when the daemon has found the session. */
  readonly found = Promise.withResolvers<Refusal | undefined>();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  begin(wire: BridgeWire): void {
    this.#wire = wire;
  }

  takes(line: string): boolean {
    // No character has more bytes than three.
    return line.length * 3 <= this.#maxBytes;
  }

  ask(call: LaneCall): void {
    if (this.#isOver) return call.fail(new NotSent(gone("the daemon is gone")));
    const { id, method } = call;
    if (this.#calls.has(id)) {
      const why = `Cannot take ${method}: id ${id} is still in flight; use another id`;
      return call.fail(new Fault("invalid_request", why));
    }
    const sent: Sent = Object.assign(call, { isSent: false });
    this.#calls.set(id, sent);
    this.#wire!.send(call.line).then(() => {
      sent.isSent = true;
      if (this.#isOver) this.#lose(sent);
    }, (error) => this.#take(sent)?.fail(new NotSent(gone(error.message))));
  }

  async tell(line: string): Promise<void> {
    if (this.#isOver) throw new NotSent(gone("the daemon is gone"));
    try {
      await this.#wire!.send(line);
    } catch (error) {
      throw new NotSent(gone((error as Error).message));
    }
  }

  close(why: unknown): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.fail(why);
    this.#wire?.close();
  }

  /** The connection is over. What is still being written is told when that is known. */
  onEnd(): void {
    this.#isOver = true;
    this.found.resolve({ reason: "draining", message: "the daemon is gone" });
    for (const call of [...this.#calls.values()]) if (call.isSent) this.#lose(call);
    this.#ended.resolve();
  }

  take(text: string): void {
    const known = answerId(text);
    const call = known === undefined ? undefined : this.#calls.get(known);
    if (call !== undefined) return this.#answer(call, text);
    if (!this.#isControl(text)) this.#takeOther(text);
  }

  #takeOther(text: string): void {
    let message: Message;
    try {
      message = parseMessage(text);
    } catch (error) {
      this.#options.log(`the daemon said what is no message: ${String(error)}`);
      const meant = [...this.#calls.values()].find(({ id }) => seemsToAnswer(text, id));
      if (meant !== undefined) this.#take(meant)?.fail(unreadableFault(meant.method));
      return;
    }
    if (message.kind !== "response") return this.#options.onMessage(text);
    const call = this.#calls.get(message.id);
    if (call !== undefined) return this.#answer(call, text);
    const { reason, message: why } = refusalOf(message.error);
    // Before the session is found, it says why it is not: whoever opens the lane deals with that.
    if (this.#maxBytes === 0) return this.found.resolve({ reason, message: why });
    this.#options.log(`the daemon answered what was not asked (id ${message.id}): ${why}`);
  }

  /**
   * Takes what the daemon says of the connection itself: exactly so, because a server's messages are
   * passed on as they are, and may have any members beside those of JSON-RPC. @returns whether it was that.
   */
  #isControl(text: string): boolean {
    if (text === NOT_BEGUN) {
      this.#nothingBegun = true;
      return true;
    }
    const found = FOUND.exec(text);
    if (found === null) return false;
    this.#maxBytes = Number(found[1]);
    this.found.resolve(undefined);
    return true;
  }

  #answer(call: Sent, text: string): void {
    this.#calls.delete(call.id);
    call.settle(text);
  }

  #lose(call: Sent): void {
    if (this.#take(call) === undefined) return;
    call.fail(
      this.#nothingBegun ? new NotSent(gone("the daemon stopped")) : lostFault(call.method),
    );
  }

  /** @returns undefined when it was told already. */
  #take(call: Sent): Sent | undefined {
    if (this.#calls.get(call.id) !== call) return undefined;
    this.#calls.delete(call.id);
    return call;
  }
}

const HEAD = /^\{"jsonrpc":"2\.0","id":(-?\d{1,15}|"[^"\\]{0,100}"),"(?:result|error)":/;

/** JSON text of the id of an answer in its usual form; undefined when the message must be parsed. */
function answerId(text: string): string | undefined {
  return HEAD.exec(text)?.[1];
}

function refusalOf(error: unknown): Refusal {
  const { message, data } = isObject(error) ? error : {} as JsonObject;
  const reason = isObject(data) ? data.reason : undefined;
  return { reason: String(reason ?? "unknown"), message: String(message ?? "") };
}

function gone(why: string): AichakuError {
  return new AichakuError("connection_lost", why);
}
