/**
 * A session: one client at one endpoint. It knows its calls in flight and its way back to the client,
 * and nothing of how the client arrived.
 *
 * @module
 */

import { ChurningMap } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Call, CallKey } from "./call.ts";
import { DeferredQuestions } from "./deferred_questions.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Mailbox } from "./mailbox.ts";
import type { OpenQuestion, Question } from "../upstream/question.ts";
import { Questions } from "./questions.ts";

/**
 * `mcp` sessions begin with `initialize` and live long; `light` ones are minted by `/rpc`, need no
 * handshake and are short. `modern` ones are clients that named themselves; `request` ones are one
 * request of a client that did not.
 */
export type SessionKind = "mcp" | "light" | "modern" | "request";

/** Options of {@linkcode Session}. */
export interface SessionOptions {
  id: string;
  kind: SessionKind;
  endpoint: Endpoint;
  mailbox: Mailbox;
  clock: Clock;
  /** Revision negotiated by `initialize`; undefined for light sessions. */
  protocolVersion?: string;
  /** `clientInfo` of `initialize`: for people, never trusted. */
  clientInfo?: unknown;
  /** Capabilities the client declared. Default none. */
  capabilities?: JsonObject;
  /** On whose behalf it asks. Default `local`: whoever may reach the daemon on this machine. */
  principal?: string;
  /** Folder of its project as the client named it with its requests; not looked at yet. */
  project?: string;
  /** Whether the record of an `mcp` session outlives the daemon; others have none. Default true. */
  keep?: boolean;
  /** Told of everything that shows that the client is there. */
  onActivity?: () => void;
  /** Told when what must survive a restart has changed. */
  onChange?: (session: Session) => void;
  /** Told when what the session was about is gone for good. */
  onLost?: (session: Session, reason: string) => void;
}

/** How long a request without a stream counts as presence. Milliseconds. */
export const LEASE_MS = 5 * 60_000;

/** How long after its stream a client that ends may still be heard of. Milliseconds. */
const GOODBYE_MS = 1_000;

/** How long a client whose stream broke may take to open it again. Milliseconds. */
const RETURN_MS = 3_000;

/** One client's session. */
export class Session {
  readonly id: string;
  readonly kind: SessionKind;
  readonly endpoint: Endpoint;
  readonly protocolVersion: string | undefined;
  readonly clientInfo: unknown;
  readonly capabilities: JsonObject;
  readonly principal: string;
  readonly project: string | undefined;
  /** Whether its record outlives the daemon, so that its client can come back. */
  readonly kept: boolean;
  /** Messages that belong to no call: the client's GET stream, or `/sse`. */
  readonly mailbox: Mailbox;
  /** Calls in flight. */
  readonly calls = new ChurningMap<CallKey, Call>();
  /** Log level it asked for; survives a restart of the daemon. */
  logLevel: string | null = null;
  /** Resources it subscribed to; survive a restart of the daemon. */
  readonly subscriptions = new Set<string>();
  /** At all servers together, the name of the server that each of them is of. */
  readonly origins = new Map<string, string>();
  /** Servers that run a process for this session alone. */
  readonly owned = new Set<string>();
  /**
   * What it has lost with processes that it had for itself, and does not know yet: by server, for people.
   * Undefined when there is nothing.
   */
  losses: Map<string, string> | undefined;
  /**
   * The connection that it is bound to without reading from it: while that is open its client is there,
   * and it closes when the session ends.
   */
  connection: { end(reason: string): void } | undefined;
  /** Monotonic milliseconds. */
  lastSeen: number;
  readonly #questions: Questions;
  readonly #deferred: DeferredQuestions;
  #ended = false;
  /** When its stream was closed; undefined while it has one, never had one, or called since. */
  #streamClosed: number | undefined;
  readonly #clock: Clock;
  readonly #onActivity: () => void;
  readonly #onChange: (session: Session) => void;
  readonly #onLost: (session: Session, reason: string) => void;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.kind = options.kind;
    this.endpoint = options.endpoint;
    this.mailbox = options.mailbox;
    this.protocolVersion = options.protocolVersion;
    this.clientInfo = options.clientInfo;
    this.capabilities = options.capabilities ?? {};
    this.principal = options.principal ?? "local";
    this.project = options.project;
    this.kept = options.kind === "mcp" && (options.keep ?? true);
    this.#questions = new Questions(options.clock);
    this.#deferred = new DeferredQuestions(options.clock);
    this.mailbox.onAttached = () => this.reached();
    this.mailbox.onDetached = () => this.#streamClosed = options.clock.now();
    this.#clock = options.clock;
    this.#onActivity = options.onActivity ?? (() => {});
    this.#onChange = options.onChange ?? (() => {});
    this.#onLost = options.onLost ?? ((session, reason) => session.end(reason));
    this.lastSeen = options.clock.now();
  }

  /** Whether it was ended; nothing is accepted any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether somebody is there: an open stream, a call in flight, or a request not long ago. */
  get active(): boolean {
    return this.inUse || this.#clock.now() - this.lastSeen < LEASE_MS;
  }

  /** Whether its client is there for certain: an open stream or connection, or a call in flight. */
  get inUse(): boolean {
    return this.mailbox.attached || this.calls.size > 0 || this.connection !== undefined;
  }

  /**
   * Whether its client has gone, by all that can be seen: it closed its stream, has not opened it again,
   * has made no call and was not heard of since; or was not heard of for long. Most clients do not say so
   * when they end. It may come back all the same.
   */
  get left(): boolean {
    if (this.inUse) return false;
    if (!this.active) return true;
    const closed = this.#streamClosed;
    if (closed === undefined || this.#clock.now() - closed < RETURN_MS) return false;
    return this.lastSeen - closed < GOODBYE_MS;
  }

  /**
   * Whether nobody would miss it: of `/rpc`, with nothing under way and nothing kept for it; or no more
   * than a name that a modern client gave itself, which begins anew as what it was.
   */
  get spare(): boolean {
    const isLight = this.kind === "light" || (this.kind === "modern" && this.owned.size === 0);
    return isLight && !this.inUse && this.mailbox.waiting === 0;
  }

  /** Whether it speaks of itself with every request, and knows no session. */
  get isModern(): boolean {
    return this.kind === "modern" || this.kind === "request";
  }

  /**
   * With whom it takes turns at a server: all clients of one principal that do not name themselves are
   * as one there, or whoever makes many requests would have many turns.
   */
  get turn(): string {
    return this.kind === "request" ? `nameless:${this.principal}` : this.id;
  }

  /** The client was heard of. */
  touch(): void {
    this.lastSeen = this.#clock.now();
    this.#onActivity();
  }

  /**
   * Asks the client something: on the stream of the call that the question belongs to, else on its own.
   * Whether it declared that it can be asked is for the caller to know.
   */
  ask(question: Question, via?: Call): OpenQuestion {
    return this.#questions.ask({
      ...question,
      send: (text) => (via?.notify(text) ?? false) || this.#post(text),
    });
  }

  /** Asks as soon as the client can be reached: by its stream, or on whatever call it makes. */
  askOnceThere(question: Question): OpenQuestion {
    return this.#isBeginning || !(this.mailbox.attached || this.calls.size > 0)
      ? this.#deferred.add(question)
      : this.ask(question, [...this.calls.values()].at(-1));
  }

  /** The client has opened a stream, makes a call, or has said something. */
  reached(): void {
    this.#streamClosed = undefined;
    if (this.#deferred.size === 0 || this.#isBeginning) return;
    const call = [...this.calls.values()].at(-1);
    if (!this.mailbox.attached && call === undefined) return;
    this.#deferred.flush((question) => this.ask(question, call));
  }

  /** Whether it still waits for the answer to `initialize`; until then it must not be asked anything. */
  get #isBeginning(): boolean {
    for (const { method } of this.calls.values()) if (method === "initialize") return true;
    return false;
  }

  /** What the client says to what it was asked. */
  get questions(): Pick<Questions, "answer" | "progress" | "size"> {
    return this.#questions;
  }

  #post(text: string): boolean {
    if (!this.mailbox.attached) return false;
    this.mailbox.post(text);
    return true;
  }

  /** Log level or subscriptions are others now. */
  changed(): void {
    if (!this.#ended) this.#onChange(this);
  }

  /** What a server kept for it is gone: it ends, so that its client begins anew and knows it. */
  lose(reason: string): void {
    if (!this.#ended) this.#onLost(this, reason);
  }

  /** Ends it: calls in flight are cancelled, the stream closes, the server forgets what it kept. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // Only where somebody is to be told: an error costs 4 µs, and sessions of one request end all the time.
    if (this.#questions.size + this.#deferred.size > 0) {
      const fault = new Fault("cancelled", `The client's session ended: ${reason}`);
      this.#questions.clear(fault);
      this.#deferred.clear(fault);
    }
    if (this.calls.size > 0) { for (const call of [...this.calls.values()]) call.cancel(reason); }
    this.endpoint.leave(this);
    this.mailbox.finish();
    this.connection?.end(reason);
  }
}
