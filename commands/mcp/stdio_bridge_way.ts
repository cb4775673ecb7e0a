/**
 * The way from the stdio bridge's legacy side to the daemon: where it was found, and what there is to
 * say it by: HTTP, which begins and ends the session, and the lane of `stdio_bridge_lane.ts`, which is
 * quicker, for what comes between.
 *
 * Guarantees: a way that is handed out speaks for the client's session, if it has begun one. There is one
 * way at a time; it stays until somebody finds that it is of no use any more, and then goes once,
 * however many find that. A lane that was left still brings what was asked over it.
 *
 * Not guaranteed: that the daemon is still there.
 *
 * @module
 */

import { type DirectFetch, directFetch } from "../../platform/direct_fetch.ts";
import { HttpWire } from "../../client/http_wire.ts";
import { NotSent } from "../../client/transport.ts";
import { type Lane, openLane } from "./stdio_bridge_lane.ts";
import type { LegacySession } from "./stdio_bridge_session.ts";

/** Where the daemon is. */
export interface Reached {
  /** Base URL, without a slash at the end. */
  url: string;
  /** Path of its Unix socket, if it has one. */
  socket: string | undefined;
  token: string | undefined;
}

/** The daemon as it was reached, and what there is to say it by. */
export interface Way {
  readonly http: HttpWire;
  readonly url: string;
  readonly socket: string | undefined;
  /** Undefined until it is wanted; resolves with undefined where the daemon offers none. */
  lane: Promise<Lane | undefined> | undefined;
  hadLane: boolean;
}

/** Options of {@linkcode Ways}. */
export interface WaysOptions {
  /** Finds the daemon, and starts one where that is wanted. Throws when there is none. */
  reach(): Promise<Reached>;
  /** Name of the server; undefined for all of them together. */
  server: string | undefined;
  /** Absolute path of the project, for servers that have one. */
  project: string | undefined;
  /** What the ways speak for. */
  session: LegacySession;
  /** Takes what comes over a lane and is the answer to no call. */
  onMessage(text: string): void;
  /** Told what a person may want to know. */
  log(text: string): void;
  /** Ends everything. */
  signal: AbortSignal;
}

/** The ways of one client, one after the other. */
export class Ways implements Disposable {
  readonly #options: WaysOptions;
  #latest: Promise<Way> | undefined;
  /** That of {@linkcode #latest}, while it is open. */
  #lane: Lane | undefined;
  /** All that are open. */
  readonly #lanes = new Set<Lane>();
  readonly #fetches = new Map<string, DirectFetch>();

  constructor(options: WaysOptions) {
    this.#options = options;
  }

  /** The way as it was last handed out, while it seems to be of use. */
  get latest(): Promise<Way> | undefined {
    return this.#latest;
  }

  /** The lane of the latest way, while it is open. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** The latest way; where there is none, one to the daemon as it is now. */
  reached(): Promise<Way> {
    const reached = this.#latest ??= this.#open();
    reached.catch(() => {
      if (this.#latest === reached) this.#latest = undefined;
    });
    return reached;
  }

  /** The lane of a way; opened when it has none, or none any more. @throws {NotSent} */
  laneOf(way: Way): Promise<Lane | undefined> | undefined {
    const { http: { sessionId }, socket } = way;
    if (socket === undefined || sessionId === undefined || !this.#options.session.isKnown) return;
    return way.lane ??= this.#openLane(way, { socket, session: sessionId });
  }

  /** A way turned out to be of no use any more, as `error` says. */
  forget(reached: Promise<Way>, error: unknown): void {
    // Another request may have met the same end before, and begun anew: that one stays.
    if (this.#latest !== reached) return;
    this.#latest = undefined;
    this.#lane = undefined;
    const isUnknown = error instanceof NotSent && error.error.reason === "session_not_found";
    if (isUnknown) this.#options.session.forget();
  }

  /** A lane is of no use for what comes from now on; it still brings what was asked. */
  leave(lane: Lane): void {
    if (this.#lane !== lane) return;
    this.#lane = undefined;
    this.#latest = undefined;
  }

  /** Ends all lanes; calls that are not answered fail with `why`. */
  closeLanes(why: unknown): void {
    for (const lane of this.#lanes) lane.close(why);
  }

  [Symbol.dispose](): void {
    for (const direct of this.#fetches.values()) direct[Symbol.dispose]();
  }

  async #open(): Promise<Way> {
    const { server, project, session } = this.#options;
    const { url, token, socket } = await this.#options.reach();
    const endpoint = new URL(server === undefined ? "/mcp" : `/mcp/${server}`, url);
    if (project !== undefined) endpoint.searchParams.set("project", project);
    const http = new HttpWire({
      endpoint: endpoint.href,
      token,
      server: server ?? "all servers",
      fetch: this.#fetchFor(url),
    });
    await session.takeUp(http);
    return { http, url, socket, lane: undefined, hadLane: false };
  }

  /** One for each daemon that was met: a restarted one mostly has the same address. */
  #fetchFor(url: string): typeof fetch {
    let direct = this.#fetches.get(url);
    if (direct === undefined) this.#fetches.set(url, direct = directFetch(url));
    return direct.fetch;
  }

  async #openLane(
    way: Way,
    to: { socket: string; session: string },
  ): Promise<Lane | undefined> {
    const { server, project, onMessage, log, signal } = this.#options;
    try {
      const lane = await openLane({
        target: { url: way.url, token: undefined, server, project, ...to },
        onMessage,
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
      if (signal.aborted) lane.close(signal.reason);
      if (await this.#latest?.catch(() => {}) === way) this.#lane = lane;
      return lane;
    } catch (error) {
      // A daemon that has just shown that it is there, and is not there by its socket: its file is gone.
      const isDeaf = error instanceof NotSent && error.error.kind === "connection_lost";
      if (isDeaf && !way.hadLane) return undefined;
      way.lane = undefined;
      throw error;
    }
  }
}
