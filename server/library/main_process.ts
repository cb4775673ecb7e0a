/**
 * The process that serves: from the lock that it won to the end of the server.
 *
 * Guarantees: nothing is announced that does not answer; the server ends when nobody uses it any more;
 * at its end the port is closed, the announcement taken back and the lock released, in this order.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { dialAddress } from "../daemon/listen.ts";
import { type HeldLock, tryLock } from "../daemon/lock.ts";
import { watchSelf } from "../daemon/self_check.ts";
import { ensureToken, readToken } from "../daemon/token.ts";
import { ensurePrivateFolder } from "../../platform/private_folder.ts";
import {
  type Announcement,
  publish,
  readAnnouncement,
  REVISION,
  unpublish,
} from "./announcement.ts";
import type { KnownApp } from "./app.ts";
import { createControl } from "./control.ts";
import { type Lease, Leases } from "./leases.ts";
import { listenFetch } from "./listen_fetch.ts";
import { listenNode } from "./listen_node.ts";
import type { Listener, ListenOptions } from "./listener.ts";
import type { ServicePaths } from "./paths.ts";
import type { Report } from "./report.ts";
import type { DaemonInfo, Over, Role } from "./role.ts";

/** What the server is made from. */
export interface ServeOptions {
  app: KnownApp;
  /** A literal address. */
  host: string;
  /** 0 lets the system choose. */
  port: number;
  paths: ServicePaths;
  clock: Clock;
  report: Report;
}

/** Milliseconds that running requests may take when the server ends. */
const GRACE_MS = 5_000;

/**
 * Opens the port and announces it.
 *
 * @param lock The lock of the service. Kept when this succeeds, left to the caller when it fails.
 * @throws {PortTaken} when the port is in use; whatever the system says when it cannot be opened, or
 * when the folder cannot be written to.
 */
export async function serve(options: ServeOptions, lock: HeldLock): Promise<Role> {
  const token = ensureToken(options.paths.token);
  const server = new Server(options, lock);
  await server.open(token);
  return server;
}

class Server implements Role {
  readonly isMainProcess = true;
  readonly #options: ServeOptions;
  readonly #leases = new Leases(() => this.#begin("nobody uses the server any more", false));
  readonly #instanceId = crypto.randomUUID();
  readonly #over = Promise.withResolvers<Over>();
  #lock: HeldLock;
  #own: Lease;
  #listener!: Listener;
  #url = "";
  #self: Disposable | undefined;
  #ending = false;

  constructor(options: ServeOptions, lock: HeldLock) {
    this.#options = options;
    this.#lock = lock;
    this.#own = this.#leases.hold(Deno.pid)!;
  }

  async open(token: string): Promise<void> {
    const { app, host, port, report, paths, clock } = this.#options;
    const listen: ListenOptions = {
      hostname: host,
      port,
      report,
      control: (bound) => {
        const address = dialAddress(bound.hostname, bound.port);
        this.#url = `http://${address}`;
        return createControl({
          address,
          port: bound.port,
          token,
          instanceId: this.#instanceId,
          leases: this.#leases,
        });
      },
    };
    this.#listener = app.kind === "fetch"
      ? listenFetch(app.answer, { ...listen, clock })
      : await listenNode(app.listener, listen);
    try {
      publish(paths.announcement, this.#announcement());
    } catch (error) {
      await this.#listener.close(0);
      throw error;
    }
    this.#self = watchSelf({
      clock,
      holdsLock: () => this.#lock.isInPlace() || this.#lockAgain(),
      isAnnounced: () =>
        readAnnouncement(paths.announcement)?.instanceId === this.#instanceId &&
        readToken(paths.token) === token,
      announce: () => {
        ensureToken(paths.token, token);
        publish(paths.announcement, this.#announcement());
      },
      onLost: () => this.#begin(`another process has taken its place in ${paths.folder}`, true),
      onError: (error) => report.debug(`cannot look after ${paths.folder}: ${error}`),
    });
    report.debug(`serving ${this.#url}`);
  }

  get url(): string {
    return this.#url;
  }

  get over(): Promise<Over> {
    return this.#over.promise;
  }

  get atStart(): DaemonInfo {
    return { port: this.#listener.port, pid: Deno.pid, clientCount: this.#leases.count };
  }

  info(): Promise<DaemonInfo> {
    return Promise.resolve(this.atStart);
  }

  hold(): boolean {
    const again = this.#leases.has(this.#own) ? this.#own : this.#leases.hold(Deno.pid);
    if (again === undefined) return false;
    this.#own = again;
    return true;
  }

  release(): Promise<void> {
    this.#own.release();
    return Promise.resolve();
  }

  async end(reason: string): Promise<void> {
    this.#begin(reason, false);
    await this.over;
  }

  #announcement(): Announcement {
    return { revision: REVISION, url: this.#url, instanceId: this.#instanceId, pid: Deno.pid };
  }

  /** The folder was deleted: lock the new one, unless somebody else has. */
  #lockAgain(): boolean {
    const { paths } = this.#options;
    ensurePrivateFolder(paths.folder);
    const lock = tryLock(paths.lock);
    if (lock === undefined) return false;
    this.#lock[Symbol.dispose]();
    this.#lock = lock;
    return true;
  }

  #begin(reason: string, lost: boolean): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#options.report.debug(`ending: ${reason}`);
    this.#self?.[Symbol.dispose]();
    this.#leases.close(reason);
    this.#close().then(() => this.#over.resolve({ lost, reason }), this.#over.reject);
  }

  async #close(): Promise<void> {
    const { paths, report } = this.#options;
    try {
      await this.#listener.close(GRACE_MS);
      unpublish(paths.announcement, this.#instanceId);
    } catch (error) {
      // A stale announcement does no harm: whoever reads it asks for the proof, and nobody answers.
      report.debug(`could not take back the announcement: ${error}`);
    } finally {
      this.#lock[Symbol.dispose]();
    }
  }
}
