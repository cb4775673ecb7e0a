/**
 * What a client can be told, with every default filled in, and refused where it makes no sense.
 *
 * @module
 */

import { resolve } from "node:path";

import { addressOf } from "../protocol/identity.ts";
import { VERSION } from "../protocol/version.ts";
import { defaultAutoStart, defaultBin, defaultHome, defaultToken } from "./defaults.ts";
import type { JsonObject } from "./jsonrpc.ts";
import { type Handlers, type Peer, peerOf, projectRoot, type ServerNotification } from "./peer.ts";
import type { SpawnedProcess, SpawnSpec } from "./spawned_process.ts";
import type { ClientInfo } from "./transport.ts";

/** How a server is reached. */
export type Mode = "daemon" | "spawn";

/**
 * Which era of the protocol is spoken: `legacy` begins with `initialize` (revisions up to 2025-11-25),
 * `modern` has no sessions (2026-07-28), `auto` asks the server.
 */
export type Era = "auto" | "legacy" | "modern";

/** Gives the process of a server: what to start, or one that was started already. */
export type Spawner = (
  context: { server: string | undefined; project: string | undefined },
) => SpawnSpec | SpawnedProcess | Promise<SpawnSpec | SpawnedProcess>;

/** Options of `AichakuClient`. All are optional. */
export interface ClientOptions {
  /**
   * Name of the server. Without one, all servers of the daemon together: tools are then named
   * `server__tool`.
   */
  server?: string;
  /**
   * `daemon`: the running daemon or an error. `spawn`: a process of its own. `auto`: the daemon when
   * one runs and accepts, else a process.
   *
   * @default {"auto"}
   */
  mode?: "auto" | Mode;
  /**
   * Era of the protocol. Every era gives the same results, whatever the server speaks: the daemon
   * translates, and with a process `auto` chooses. Default: `legacy` over the daemon, whose sessions it has
   * (a broken stream is taken up, and closing frees what the daemon keeps); `auto` with a process.
   */
  era?: Era;
  /**
   * The folder that is worked on, for servers that are started once for each project. Over the daemon it
   * chooses the server's instance; a process of its own is told it as its only root, and `${project}` in
   * the `args`, `env` and `cwd` of `spawn` stands for it. A relative path is taken from the current
   * folder.
   */
  project?: string;
  /** Where the daemon keeps its files. Default: `AICHAKU_HOME`, else `~/.aichaku`. */
  home?: string;
  /**
   * Base URL of a daemon to use instead of the one of `home`: `http://127.0.0.1:7182`. Its identity is
   * proved only when a token is given.
   */
  url?: string;
  /** The daemon's token. Default: `AICHAKU_TOKEN`, else the token file of `home`. */
  token?: string;
  /**
   * Whether to start the daemon when none runs, by running the program `bin`. Such a daemon ends when
   * nobody uses it. Default: whether `AICHAKU_AUTOSTART` is `1`, `true` or `yes`.
   */
  autoStart?: boolean;
  /** The program that `autoStart` runs. Default: `AICHAKU_BIN`, else `aichaku` on the PATH. */
  bin?: string;
  /**
   * The server's process, for when it has to be spawned. Default: the built-in servers `reviewer` and
   * `sample` are run by the program that `AICHAKU_BIN` names; others cannot be spawned.
   */
  spawn?: SpawnSpec | Spawner;
  /** Milliseconds for one call, once connected. @default {30_000} */
  timeoutMs?: number;
  /** Milliseconds for connecting; servers may be slow to start. @default {60_000} */
  connectTimeoutMs?: number;
  /** What the server is told about this client. Default: `aichaku-sdk` and its version. */
  clientInfo?: ClientInfo;
  /** Answers what the server asks of the client. Nothing is declared that is not given here. */
  handlers?: Handlers;
  /**
   * Client capabilities beside the ones that `handlers` declare, or in more detail:
   * `{ elicitation: { form: {}, url: {} } }`.
   */
  capabilities?: JsonObject;
  /**
   * Told each notification of the server that is not the progress of a call: `list_changed`, log
   * messages, updates of resources. What it throws is thrown as an uncaught error.
   */
  onNotification?: (notification: ServerNotification) => void;
  /** Closes the client when it fires. */
  signal?: AbortSignal;
}

/** {@linkcode ClientOptions} with every default filled in. */
export interface ResolvedOptions {
  server: string | undefined;
  mode: "auto" | Mode;
  /** Era over the daemon. */
  daemonEra: Era;
  /** Era with a process. */
  processEra: Era;
  /** Absolute. */
  project: string | undefined;
  home: string;
  /** Without a slash at the end. */
  url: string | undefined;
  token: string | undefined;
  autoStart: boolean;
  bin: string;
  spawn: SpawnSpec | Spawner | undefined;
  timeoutMs: number;
  connectTimeoutMs: number;
  /** What a daemon sees. */
  peer: Peer;
  /** What a process of its own sees. */
  spawnPeer: Peer;
  signal: AbortSignal | undefined;
}

/** The option that gives the whole peer; for the SDK's own use. */
export const PEER: unique symbol = Symbol("peer");

const MODES: readonly unknown[] = ["auto", "daemon", "spawn"];
const ERAS: readonly unknown[] = [undefined, "auto", "legacy", "modern"];

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} when an option has no meaning.
 * @throws {RangeError} when a duration is not a positive number of milliseconds that a timer can hold.
 */
export function resolveOptions(options: ClientOptions & { [PEER]?: Peer }): ResolvedOptions {
  const { server, mode = "auto", spawn } = options;
  if (server !== undefined && !isServerName(server)) {
    throw new TypeError(
      `Cannot use server ${JSON.stringify(server)}: a name has 1-64 of A-Z a-z 0-9 . _ -, no ` +
        `"__", and is not one of ${RESERVED.join(" ")}`,
    );
  }
  if (!MODES.includes(mode)) {
    throw new TypeError(
      `Cannot use mode ${JSON.stringify(mode)}: it must be "auto", "daemon" or "spawn"`,
    );
  }
  const { era } = options;
  if (!ERAS.includes(era)) {
    throw new TypeError(
      `Cannot use era ${JSON.stringify(era)}: it must be "auto", "legacy" or "modern"`,
    );
  }
  if (mode === "auto" && spawn !== undefined && server === undefined) {
    throw new TypeError(
      `Cannot use the option spawn without the option server: the daemon would serve all its ` +
        `servers and the process only one; name the server, or choose a mode`,
    );
  }
  return {
    server,
    mode,
    daemonEra: era ?? "legacy",
    processEra: era ?? "auto",
    ...resolveDaemonOptions(options),
    // A daemon that is named by its URL is somebody else's to start.
    autoStart: (options.autoStart ?? defaultAutoStart()) && options.url === undefined,
    bin: options.bin ?? defaultBin(),
    spawn,
    timeoutMs: milliseconds("timeoutMs", options.timeoutMs, 30_000),
    connectTimeoutMs: milliseconds("connectTimeoutMs", options.connectTimeoutMs, 60_000),
    ...resolvePeers(options),
    signal: options.signal,
  };
}

function resolvePeers(
  options: ClientOptions & { [PEER]?: Peer },
): Pick<ResolvedOptions, "project" | "peer" | "spawnPeer"> {
  const { handlers = {}, capabilities = {}, onNotification, [PEER]: given } = options;
  const { clientInfo = { name: "aichaku-sdk", version: VERSION } } = options;
  const project = options.project === undefined ? undefined : resolve(options.project);
  if (given !== undefined) return { project, peer: given, spawnPeer: given };
  const peer = peerOf({ clientInfo, handlers, capabilities, onNotification });
  if (project === undefined || handlers.roots !== undefined) {
    return { project, peer, spawnPeer: peer };
  }
  // The daemon answers `roots/list` of a server with a project by itself; a process must get the same.
  const withRoot = { ...handlers, roots: [projectRoot(project)] };
  const spawnPeer = peerOf({ clientInfo, handlers: withRoot, capabilities, onNotification });
  return { project, peer, spawnPeer };
}

/** Which daemon is meant. @throws {TypeError} when the URL is not one. */
export function resolveDaemonOptions(
  options: Pick<ClientOptions, "home" | "url" | "token">,
): Pick<ResolvedOptions, "home" | "url" | "token"> {
  const { url } = options;
  if (url !== undefined && addressOf(url) === undefined) {
    throw new TypeError(
      `Cannot use url ${JSON.stringify(url)}: it must be the daemon's base URL, for example ` +
        `http://127.0.0.1:7182`,
    );
  }
  return {
    home: options.home ?? defaultHome(),
    url: url?.replace(/\/+$/, ""),
    token: options.token ?? defaultToken(),
  };
}

/** The longest delay of a timer: 2^31 - 1 ms; a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** A duration, or its default. @throws {RangeError} when it is not one. */
export function milliseconds(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (value > 0 && value <= MAX_TIMER_MS) return value;
  throw new RangeError(
    `Cannot use ${name} ${value}: it must be a number of milliseconds from 1 to ${MAX_TIMER_MS}`,
  );
}

/** Names that mean something else in an address of the daemon. */
const RESERVED: readonly string[] = [".", "..", "servers", "v1"];

/** Whether a daemon can have a server of this name. */
function isServerName(name: unknown): boolean {
  return typeof name === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(name) &&
    !name.includes("__") && !RESERVED.includes(name);
}
