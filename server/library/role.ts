/**
 * A process's part in a service: it serves, or it is registered with the one that does.
 *
 * @module
 */

/** The server as seen from any of its processes. */
export interface DaemonInfo {
  /** Port that is served. */
  port: number;
  /** Process that serves. Informs only: it may be gone when this is read. */
  pid: number;
  /** Processes that use the server, the one that serves included as long as it says that it does. */
  clientCount: number;
}

/** What `start()` answers. */
export interface DaemonStart {
  /** Whether this process serves. */
  isMainProcess: boolean;
  /** The server, whichever process it is in. */
  info: DaemonInfo;
}

/** How a part ended. */
export interface Over {
  /** Whether it ended without this process asking for it. */
  lost: boolean;
  reason: string;
}

/** One process's part. */
export interface Role {
  readonly isMainProcess: boolean;
  /** Base URL of the server, without a slash at the end. */
  readonly url: string;
  /** The server when this process took its part. */
  readonly atStart: DaemonInfo;
  /** Asks the server how it is. */
  info(): Promise<DaemonInfo>;
  /** Uses the server again after `release()`. Returns false when it is too late for that. */
  hold(): boolean;
  /** Uses the server no more. The one that serves goes on serving the others. */
  release(): Promise<void>;
  /** Ends the part now; where this process serves, for all. */
  end(reason: string): Promise<void>;
  /** Resolves when the part is over. */
  readonly over: Promise<Over>;
}
