/**
 * A session: one client at one endpoint. It knows its calls in flight and its way back to the client,
 * and nothing of how the client arrived.
 *
 * @module
 */

import { MostlyOneMap } from "../../platform/mostly_one_map.ts";
import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Call, CallKey } from "./call.ts";
import { DeferredQuestions } from "./deferred_questions.ts";
import type { Endpoint } from "./endpoint.ts";
import { Mailbox, type MailboxOptions } from "./mailbox.ts";
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
  /** Of the mailbox that it has once somebody uses it. */
  mailbox: MailboxOptions;
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
  /** Default nobody. */
  keeper?: SessionKeeper;
}

/** Who keeps sessions, and is told of them. */
export interface SessionKeeper {
  /** The client was heard of. */
  onActivity(session: Session): void;
  /** What must survive a restart has changed. */
  onChange(session: Session): void;
  /** What the session was about is gone for good. */
  onLost(session: Session, reason: string): void;
}

const NOBODY: SessionKeeper = {
  onActivity() {},
  onChange() {},
  onLost: (session, reason) => session.end(reason),
};

const NO_NAMES: ReadonlySet<string> = new Set();
const NO_ORIGINS: ReadonlyMap<string, string> = new Map();

/** How long a request without a stream counts as presence. Milliseconds. */
export const LEASE_MS = 5 * 60_000;

/** How long after its stream a client that ends may still be heard of. Milliseconds. */
const GOODBYE_MS = 1_000;

/** How long a client whose stream broke may take to open it again. Milliseconds. */
const RETURN_MS = 3_000;

/**
 * One client's session. A client without a name has one for each request, so that beginning one must be
 * cheap: what most sessions never need is made when it is needed.
 */
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
  /** Calls in flight. */
  readonly calls = new MostlyOneMap<CallKey, Call>();
  /** Log level it asked for; survives a restart of the daemon. */
  logLevel: string | null = null;
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
  readonly #mailboxOptions: MailboxOptions;
  #mailbox: Mailbox | undefined;
  #subscriptions: Set<string> | undefined;
  #origins: Map<string, string> | undefined;
  #owned: Set<string> | undefined;
  #questions: Questions | undefined;
  #deferred: DeferredQuestions | undefined;
  #ended = false;
  /** When its stream was closed; undefined while it has one, never had one, or called since. */
  #streamClosed: number | undefined;
  readonly #clock: Clock;
  readonly #keeper: SessionKeeper;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.kind = options.kind;
    this.endpoint = options.endpoint;
    this.#mailboxOptions = options.mailbox;
    this.protocolVersion = options.protocolVersion;
    this.clientInfo = options.clientInfo;
    this.capabilities = options.capabilities ?? {};
    this.principal = options.principal ?? "local";
    this.project = options.project;
    this.kept = options.kind === "mcp" && (options.keep ?? true);
    this.#clock = options.clock;
    this.#keeper = options.keeper ?? NOBODY;
    this.lastSeen = options.clock.now();
  }

  /** Messages that belong to no call: the client's GET stream, or `/sse`. */
  get mailbox(): Mailbox {
    return this.#mailbox ??= this.#makeMailbox();
  }

  #makeMailbox(): Mailbox {
    const mailbox = new Mailbox(this.#mailboxOptions);
    mailbox.onAttached = () => this.reached();
    mailbox.onDetached = () => this.#streamClosed = this.#clock.now();
    if (this.#ended) mailbox.finish();
    return mailbox;
  }

  /** Posts what belongs to no call; lost where nobody reads and nothing is kept. */
  tell(text: string): void {
    // It would be dropped.
    if (this.#mailbox === undefined && !this.#mailboxOptions.keep) return;
    this.mailbox.post(text);
  }

  /** Whether somebody reads what belongs to no call. */
  get #hasStream(): boolean {
    return this.#mailbox?.attached ?? false;
  }

  /** Resources it subscribed to; survive a restart of the daemon. */
  get subscriptions(): ReadonlySet<string> {
    return this.#subscriptions ?? NO_NAMES;
  }

  /** Notes a subscription. */
  subscribe(uri: string): void {
    (this.#subscriptions ??= new Set()).add(uri);
  }

  /** @returns whether it was subscribed. */
  unsubscribe(uri: string): boolean {
    return this.#subscriptions?.delete(uri) ?? false;
  }

  /** At all servers together, the name of the server that each of the subscribed resources is of. */
  get origins(): ReadonlyMap<string, string> {
    return this.#origins ?? NO_ORIGINS;
  }

  /** Notes of which server a resource is; undefined: of none any more. */
  setOrigin(uri: string, server: string | undefined): void {
    if (server === undefined) this.#origins?.delete(uri);
    else (this.#origins ??= new Map()).set(uri, server);
  }

  /** Servers that run a process for this session alone. */
  get owned(): ReadonlySet<string> {
    return this.#owned ?? NO_NAMES;
  }

  /** Notes whether a server runs a process for this session alone. */
  setOwned(server: string, isOwned: boolean): void {
    if (isOwned) (this.#owned ??= new Set()).add(server);
    else this.#owned?.delete(server);
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
    return this.#hasStream || this.calls.size > 0 || this.connection !== undefined;
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
   * Whether nobody would miss it: of `/rpc`, with nothing under way and no answer kept for it; or no more
   * than a name that a modern client gave itself, which begins anew as what it was. What its server tells
   * everybody is no answer: each change of a list would make every session of a loop of `curl` count.
   */
  get spare(): boolean {
    const isLight = this.kind === "light" || (this.kind === "modern" && this.owned.size === 0);
    return isLight && !this.inUse && !this.#mailbox?.keepsAnswer;
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
    this.#keeper.onActivity(this);
  }

  /**
   * Asks the client something: on the stream of the call that the question belongs to, else on its own.
   * Whether it declared that it can be asked is for the caller to know.
   */
  ask(question: Question, via?: Call): OpenQuestion {
    return this.#openQuestions.ask({
      ...question,
      send: (text) => (via?.notify(text) ?? false) || this.#post(text),
    });
  }

  /** Asks as soon as the client can be reached: by its stream, or on whatever call it makes. */
  askOnceThere(question: Question): OpenQuestion {
    return this.#isBeginning || !(this.#hasStream || this.calls.size > 0)
      ? (this.#deferred ??= new DeferredQuestions(this.#clock)).add(question)
      : this.ask(question, [...this.calls.values()].at(-1));
  }

  /** The client has opened a stream, makes a call, or has said something. */
  reached(): void {
    this.#streamClosed = undefined;
    const deferred = this.#deferred;
    if (deferred === undefined || deferred.size === 0 || this.#isBeginning) return;
    const call = [...this.calls.values()].at(-1);
    if (!this.#hasStream && call === undefined) return;
    deferred.flush((question) => this.ask(question, call));
  }

  /** Whether it still waits for the answer to `initialize`; until then it must not be asked anything. */
  get #isBeginning(): boolean {
    for (const { method } of this.calls.values()) if (method === "initialize") return true;
    return false;
  }

  /** What the client says to what it was asked. */
  get questions(): Pick<Questions, "answer" | "progress" | "size"> {
    return this.#openQuestions;
  }

  get #openQuestions(): Questions {
    return this.#questions ??= new Questions(this.#clock);
  }

  #post(text: string): boolean {
    if (!this.#hasStream) return false;
    this.mailbox.post(text);
    return true;
  }

  /** Log level or subscriptions are others now. */
  changed(): void {
    if (!this.#ended) this.#keeper.onChange(this);
  }

  /** What a server kept for it is gone: it ends, so that its client begins anew and knows it. */
  lose(reason: string): void {
    if (!this.#ended) this.#keeper.onLost(this, reason);
  }

  /** Ends it: calls in flight are cancelled, the stream closes, the server forgets what it kept. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // Only where somebody is to be told: an error costs 4 µs, and sessions of one request end all the time.
    if ((this.#questions?.size ?? 0) + (this.#deferred?.size ?? 0) > 0) {
      const fault = new Fault("cancelled", `The client's session ended: ${reason}`);
      this.#questions?.clear(fault);
      this.#deferred?.clear(fault);
    }
    if (this.calls.size > 0) { for (const call of [...this.calls.values()]) call.cancel(reason); }
    this.endpoint.leave(this);
    this.#mailbox?.finish();
    this.connection?.end(reason);
  }
}
