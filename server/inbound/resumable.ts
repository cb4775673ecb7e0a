/**
 * Streams that a client can come back to. From MCP 2025-03-26 on, events carry an id, and a client whose
 * connection was lost names the last one it saw (`Last-Event-ID` of a GET): it gets what came after it on
 * that very stream, an answer included.
 *
 * An event id names the life of the session in this process, the stream, and the place in it; for the
 * stream of a POST also the request, so that even a stream that is not kept any more ends with an answer.
 * Ids mean something only together with their session: they are looked up in it and nowhere else.
 *
 * Bounds: a stream keeps what a mailbox keeps; of streams that are over, a session keeps the last
 * {@linkcode MAX_OVER}, together as much as one stream may hold, for {@linkcode KEEP_MS}.
 *
 * Source: MCP 2025-11-25, basic/transports, "Resumability and Redelivery".
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { Fault } from "../../protocol/errors.ts";
import { sseText } from "../../protocol/sse.ts";
import type { Limits } from "../config/types.ts";
import { Mailbox } from "../exchange/mailbox.ts";
import type { Session } from "../exchange/session.ts";
import { AgeWatch } from "./age_watch.ts";

/** A stream with ids. */
export interface ResumableStream {
  mailbox: Mailbox;
  /** Id of an event by its number in the mailbox. */
  eventId(seq: number): string;
  /** What its first connection begins with. */
  greeting?: string;
  /** Nothing more will be posted. */
  finish(): void;
}

/** What a GET is to be given. */
export type Resumption =
  | { kind: "stream"; stream: Pick<ResumableStream, "mailbox" | "eventId">; lastSeen?: number }
  /** The stream is not kept any more: this ends it. */
  | { kind: "lost"; event: string };

/** Streams of one session that are over and still kept. */
const MAX_OVER = 16;

/** Milliseconds for which a stream is kept that is over. */
const KEEP_MS = 5 * 60_000;

/** Milliseconds that a client is told to wait before it comes back. */
const RETRY_MS = 1000;

/** The streams of all sessions; each session's go with it. */
export class ResumableStreams {
  readonly #limits: Limits;
  readonly #bySession = new WeakMap<Session, SessionStreams>();
  readonly #expiry: AgeWatch<() => void>;

  constructor({ clock, limits }: { clock: Clock; limits: Limits }) {
    this.#limits = limits;
    this.#expiry = new AgeWatch({ clock, ageMs: KEEP_MS, onAge: (forget) => forget() });
  }

  /**
   * A stream for the answer to a request.
   *
   * @param id JSON text of the request's id.
   * @returns undefined when the session's revision has no such streams.
   */
  open(session: Session, id: string): ResumableStream | undefined {
    return this.#of(session)?.open(id);
  }

  /**
   * The stream that a GET asks for: the session's own, or the one that `lastEventId` was seen on.
   *
   * @returns undefined when the session's revision has no such streams.
   * @throws {Fault} `invalid_request` for an id that was never given out here.
   */
  find(session: Session, lastEventId: string | null): Resumption | undefined {
    return this.#of(session)?.find(lastEventId);
  }

  #of(session: Session): SessionStreams | undefined {
    if ((session.protocolVersion ?? "") < "2025-03-26") return undefined;
    let streams = this.#bySession.get(session);
    if (streams === undefined) {
      streams = new SessionStreams(session, { limits: this.#limits, expiry: this.#expiry });
      this.#bySession.set(session, streams);
    }
    return streams;
  }

  /** Forgets the time. */
  [Symbol.dispose](): void {
    this.#expiry[Symbol.dispose]();
  }
}

interface Shared {
  limits: Limits;
  expiry: AgeWatch<() => void>;
}

class SessionStreams {
  readonly #session: Session;
  readonly #shared: Shared;
  /** Tells event ids from those of the same session before a restart, or before it was put away. */
  readonly #life = crypto.randomUUID().slice(0, 8);
  readonly #streams = new Map<string, Mailbox>();
  /** Names of the streams that are over, oldest first, each with what forgets it in time. */
  readonly #over = new Map<string, () => void>();
  #count = 0;

  constructor(session: Session, shared: Shared) {
    this.#session = session;
    this.#shared = shared;
  }

  open(id: string): ResumableStream {
    const { limits } = this.#shared;
    const name = `p.${this.#life}.${++this.#count}.${encodeId(id)}`;
    const mailbox = new Mailbox({
      maxEvents: limits.maxStreamEvents,
      // Whoever is there is given whatever a server may say.
      maxBytes: limits.maxStreamBytes + limits.maxServerMessageBytes,
      maxBytesAway: limits.maxStreamBytes,
      keep: true,
    });
    this.#streams.set(name, mailbox);
    const eventId = (seq: number) => `${name}.${seq}`;
    // Clients of before take an event without data for a broken message.
    const primes = this.#session.protocolVersion! >= "2025-11-25";
    return {
      mailbox,
      eventId,
      greeting: primes ? `id: ${eventId(0)}\nretry: ${RETRY_MS}\ndata: \n\n` : undefined,
      finish: () => {
        mailbox.finish();
        this.#retire(name);
      },
    };
  }

  find(lastEventId: string | null): Resumption {
    const { mailbox } = this.#session;
    const own = {
      mailbox,
      eventId: (seq: number) => `g.${this.#life}.${seq}`,
    };
    // Whoever has had such a stream will be back for what it missed.
    mailbox.keepFromNow();
    if (lastEventId === null || lastEventId === "") return { kind: "stream", stream: own };
    const seen = parseEventId(lastEventId);
    if (seen === undefined) {
      throw new Fault(
        "invalid_request",
        `Cannot resume after Last-Event-ID ${JSON.stringify(lastEventId.slice(0, 80))}: no event ` +
          `of this daemon has such an id; leave it out to begin a new stream`,
      );
    }
    const sameLife = seen.life === this.#life;
    if (seen.kind === "g") {
      return { kind: "stream", stream: own, lastSeen: sameLife ? seen.seq : undefined };
    }
    const posted = this.#streams.get(seen.name);
    if (posted !== undefined) {
      const eventId = (seq: number) => `${seen.name}.${seq}`;
      return { kind: "stream", stream: { mailbox: posted, eventId }, lastSeen: seen.seq };
    }
    const fault = sameLife
      ? new Fault("overloaded", "The answer to this call is not kept any more", {
        retryable: false,
      })
      : new Fault("draining", "The daemon was restarted with this call in flight", {
        retryable: false,
      });
    const data = fault.toResponseText(seen.id);
    return { kind: "lost", event: sseText({ id: `${seen.name}.${seen.seq + 1}`, data }) };
  }

  #retire(name: string): void {
    const { expiry, limits } = this.#shared;
    const forget = () => {
      kept[Symbol.dispose]();
      this.#over.delete(name);
      this.#streams.delete(name);
    };
    const kept = expiry.add(forget);
    this.#over.set(name, forget);
    let bytes = 0;
    for (const over of this.#over.keys()) bytes += this.#streams.get(over)!.bytes;
    for (const [over, forgetIt] of this.#over) {
      // The newest stays, however long its answer is: somebody may be reading it.
      if (over === name) break;
      if (this.#over.size <= MAX_OVER && bytes <= limits.maxStreamBytes) break;
      bytes -= this.#streams.get(over)!.bytes;
      forgetIt();
    }
  }
}

interface SeenEvent {
  kind: "p" | "g";
  /** The stream's. */
  name: string;
  life: string;
  /** JSON text of the id of the request that the stream answers; `null` for the session's own. */
  id: string;
  seq: number;
}

function parseEventId(text: string): SeenEvent | undefined {
  const own = /^(g\.([0-9a-f]{8}))\.(\d{1,15})$/.exec(text);
  if (own !== null) {
    return { kind: "g", name: own[1], life: own[2], id: "null", seq: Number(own[3]) };
  }
  const posted = /^(p\.([0-9a-f]{8})\.\d{1,15}\.([\w-]{1,400}))\.(\d{1,15})$/.exec(text);
  if (posted === null) return undefined;
  const id = decodeId(posted[3]);
  if (id === undefined) return undefined;
  return { kind: "p", name: posted[1], life: posted[2], id, seq: Number(posted[4]) };
}

/** Characters of an id's JSON text that an event id has room for. */
const MAX_ID = 200;

function encodeId(id: string): string {
  const bytes = new TextEncoder().encode(id);
  const known = bytes.length > MAX_ID ? new TextEncoder().encode("null") : bytes;
  return btoa(String.fromCharCode(...known)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The JSON text of an id; undefined when it is none. Anybody may have written it. */
function decodeId(encoded: string): string | undefined {
  try {
    const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const id: unknown = JSON.parse(text);
    return id === null || typeof id === "string" || typeof id === "number" ? text : undefined;
  } catch {
    return undefined; // Not base64, not UTF-8, not JSON: no id of ours.
  }
}
