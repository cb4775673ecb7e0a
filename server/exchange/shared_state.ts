/**
 * What clients ask of a server that it keeps once for its whole connection: the log level, and
 * subscriptions to resources. Here they are counted per session and reconciled to the widest need, and
 * said again to a server that was restarted.
 *
 * @module
 */

/** Log levels, most talkative first. Source: MCP 2025-11-25, server/utilities/logging. */
const LOG_LEVELS = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

/** Whether a message of `level` is at least as grave as `least`; one of an unknown level is. */
export function isAtLeast(level: unknown, least: string): boolean {
  const index = LOG_LEVELS.indexOf(level as string);
  return index === -1 || index >= LOG_LEVELS.indexOf(least);
}

/** Whether there is such a log level. */
export function isLogLevel(level: unknown): level is string {
  return LOG_LEVELS.includes(level as string);
}

/** The log levels that sessions asked for. */
export class LogLevels {
  readonly #bySession = new Map<string, number>();

  /** The level the server must have, or undefined when nobody asked for one. */
  get widest(): string | undefined {
    return this.#bySession.size === 0
      ? undefined
      : LOG_LEVELS[Math.min(...this.#bySession.values())];
  }

  /** @returns false when there is no such level. */
  set(session: string, level: unknown): boolean {
    const index = LOG_LEVELS.indexOf(level as string);
    if (index === -1) return false;
    this.#bySession.set(session, index);
    return true;
  }

  /** Whether it asked for one. */
  has(session: string): boolean {
    return this.#bySession.has(session);
  }

  /** @returns whether it had one. */
  delete(session: string): boolean {
    return this.#bySession.delete(session);
  }

  /** Whether `session` wants a message of `level`. Without a wish of its own it gets them all. */
  wants(session: string, level: unknown): boolean {
    const least = this.#bySession.get(session);
    if (least === undefined) return true;
    const index = LOG_LEVELS.indexOf(level as string);
    return index === -1 || index >= least;
  }
}

/** Who subscribed to which resource. */
export class Subscriptions {
  readonly #byUri = new Map<string, Set<string>>();

  /** Every resource somebody subscribed to. */
  get uris(): string[] {
    return [...this.#byUri.keys()];
  }

  add(session: string, uri: string): void {
    const sessions = this.#byUri.get(uri);
    if (sessions === undefined) this.#byUri.set(uri, new Set([session]));
    else sessions.add(session);
  }

  /** @returns whether that was the last one for `uri`. */
  delete(session: string, uri: string): boolean {
    const sessions = this.#byUri.get(uri);
    if (sessions === undefined || !sessions.delete(session)) return false;
    if (sessions.size > 0) return false;
    return this.#byUri.delete(uri);
  }

  /** Takes a session out everywhere. @returns the resources nobody is subscribed to any more. */
  deleteAll(session: string): string[] {
    return this.uris.filter((uri) => this.delete(session, uri));
  }

  /** Sessions subscribed to `uri` itself. */
  of(uri: string): ReadonlySet<string> {
    return this.#byUri.get(uri) ?? new Set();
  }

  /**
   * Sessions that an update of `uri` concerns: it may be a part of what was subscribed to. Source: MCP
   * 2025-11-25, `ResourceUpdatedNotification`.
   */
  concernedBy(uri: string): Set<string> {
    const concerned = new Set<string>();
    for (const [subscribed, sessions] of this.#byUri) {
      const folder = subscribed.endsWith("/") ? subscribed : `${subscribed}/`;
      if (uri !== subscribed && !uri.startsWith(folder)) continue;
      for (const session of sessions) concerned.add(session);
    }
    return concerned;
  }
}
