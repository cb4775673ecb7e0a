/**
 * A session: one client at one endpoint. It knows its calls in flight and its way back to the client,
 * and nothing of how the client arrived.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Mailbox } from "./mailbox.ts";

/**
 * `mcp` sessions begin with `initialize` and live long; `light` ones are minted by `/rpc`, need no
 * handshake and are short.
 */
export type SessionKind = "mcp" | "light";

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
  /** Told of everything that shows that the client is there. */
  onActivity?: () => void;
  /** Told when what must survive a restart has changed. */
  onChange?: (session: Session) => void;
}

/** How long a request without a stream counts as presence. Milliseconds. */
export const LEASE_MS = 5 * 60_000;

/** One client's session. */
export class Session {
  readonly id: string;
  readonly kind: SessionKind;
  readonly endpoint: Endpoint;
  readonly protocolVersion: string | undefined;
  readonly clientInfo: unknown;
  /** Messages that belong to no call: the client's GET stream, or `/sse`. */
  readonly mailbox: Mailbox;
  /** Calls in flight by the JSON text of the client's id. */
  readonly calls = new Map<string, Call>();
  /** Log level it asked for; survives a restart of the daemon. */
  logLevel: string | null = null;
  /** Resources it subscribed to; survive a restart of the daemon. */
  readonly subscriptions = new Set<string>();
  /** Monotonic milliseconds. */
  lastSeen: number;
  #ended = false;
  readonly #clock: Clock;
  readonly #onActivity: () => void;
  readonly #onChange: (session: Session) => void;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.kind = options.kind;
    this.endpoint = options.endpoint;
    this.mailbox = options.mailbox;
    this.protocolVersion = options.protocolVersion;
    this.clientInfo = options.clientInfo;
    this.#clock = options.clock;
    this.#onActivity = options.onActivity ?? (() => {});
    this.#onChange = options.onChange ?? (() => {});
    this.lastSeen = options.clock.now();
  }

  /** Whether it was ended; nothing is accepted any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether somebody is there: an open stream, a call in flight, or a request not long ago. */
  get active(): boolean {
    return this.mailbox.attached || this.calls.size > 0 ||
      this.#clock.now() - this.lastSeen < LEASE_MS;
  }

  /** The client was heard of. */
  touch(): void {
    this.lastSeen = this.#clock.now();
    this.#onActivity();
  }

  /** Log level or subscriptions are others now. */
  changed(): void {
    if (!this.#ended) this.#onChange(this);
  }

  /** Ends it: calls in flight are cancelled, the stream closes, the server forgets what it kept. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const call of [...this.calls.values()]) call.cancel(reason);
    this.endpoint.leave(this);
    this.mailbox.finish();
  }
}
