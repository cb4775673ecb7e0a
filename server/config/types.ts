/**
 * What a configuration is once it has been read: plain data, every default filled in, every duration
 * in milliseconds, every variable expanded. The rest of the daemon reads only this.
 *
 * @module
 */

/** `server` of config.json with its defaults. */
export interface ServerSettings {
  /** Address to listen on. Default `127.0.0.1`. */
  host: string;
  /** TCP port; 0 lets the system choose. Default 7182. */
  port: number;
  /** TCP port for newline-delimited JSON-RPC; 0 lets the system choose. Default undefined: none. */
  tcpPort: number | undefined;
  /** Host names accepted beside the loopback ones, lower case, without port. Default none. */
  allowedHosts: readonly string[];
  /** Origins that browsers may call from, as `scheme://host[:port]`. Default none. */
  allowedOrigins: readonly string[];
  /** Whether the data plane needs the token as well. Default false. */
  requireToken: boolean;
  /** Folders that projects may be in: absolute, need not exist. Default the user's home. */
  projectRoots: readonly string[];
  /**
   * Milliseconds without any client after which the daemon ends. Default undefined: never when it was
   * started by hand, five minutes when it was started for a client.
   */
  idleTimeoutMs: number | undefined;
  /** Whether the user's login shell may be asked for its variables. Default true. */
  loginShell: boolean;
  /** Bounds; see {@linkcode Limits}. */
  limits: Limits;
}

/** Bounds on what clients and servers may use. All configurable under `server.limits`. */
export interface Limits {
  /** Largest message from a client, bytes. Default 4 MiB. */
  maxBodyBytes: number;
  /** Largest message from a server, bytes. Default 64 MiB. */
  maxServerMessageBytes: number;
  /** Sessions kept at once. Default 1,000. */
  maxSessions: number;
  /** Calls in flight per session. Default 64. */
  maxCallsPerSession: number;
  /** Calls waiting per session beyond those in flight. Default 256. */
  maxQueuedPerSession: number;
  /** Calls in flight per server. Default 64. */
  maxCallsPerServer: number;
  /** Processes or connections of one server at once: one per project, per session … Default 16. */
  maxInstancesPerServer: number;
  /** Events kept for a stream that is away. Default 1,024. */
  maxStreamEvents: number;
  /** Bytes kept for a stream that is away. Default 4 MiB. */
  maxStreamBytes: number;
}

/**
 * How clients share a server: `shared` many at once, `serial` one client's call at a time, `session` a
 * process for each client session, `auto` shared until that proves impossible.
 */
export type SharingMode = "auto" | "shared" | "serial" | "session";

/** The sharing of a server, and who said so. */
export interface Sharing {
  mode: SharingMode;
  /** Where it comes from: the entry, the list of known servers, or neither. */
  from: "config" | "known" | "default";
  /** Why a known server is in the list: one sentence without a full stop. */
  why?: string;
  /**
   * Whether a process of it keeps something from all others as long as it runs: browsers lock the folder
   * of their profile. Default false.
   */
  exclusive?: boolean;
}

/** What every entry of `mcpServers` has, whatever its transport. */
export interface EntryCommon {
  /** Name in the endpoint, after mapping: 1-64 of `A-Z a-z 0-9 . _ -`, no `__`. */
  name: string;
  /** Milliseconds for starting, `initialize` included. Default 60,000. */
  startTimeoutMs: number;
  /** Milliseconds a call may be silent (no answer, no progress). Default 600,000. */
  callTimeoutMs: number;
  /** How clients share it. Default `auto`, and `session` for servers known to need it. */
  sharing: Sharing;
  /** Milliseconds without calls until it may be stopped. Default 600,000; undefined: never. */
  idleTimeoutMs: number | undefined;
  /**
   * `idempotent`: a tool that is annotated so may be called again after a crash. Default undefined: no
   * tool is ever called twice.
   */
  retry?: "idempotent";
}

/** A server that is a child process speaking newline-delimited JSON-RPC on its stdio. */
export interface StdioEntry extends EntryCommon {
  kind: "stdio";
  command: string;
  args: readonly string[];
  /** What the entry itself adds to the child's environment (`envFile` included). */
  env: Readonly<Record<string, string>>;
  /**
   * Absolute folder; undefined for the user's home. It may begin with the mark of the project, and is
   * the project where the entry uses one and names no folder.
   */
  cwd: string | undefined;
  /**
   * Whether the folder of a project belongs in `args`, the values of `env`, or `cwd`: `PROJECT_MARK`
   * stands there, and only what `forProject` makes of the entry can be started.
   */
  usesProject: boolean;
}

/** A server that runs inside the daemon's own program, started as a child of the same binary. */
export interface BuiltinEntry extends EntryCommon {
  kind: "builtin";
  builtin: "reviewer" | "sample";
}

/** A server that is reached over the network; see docs/remote.md. */
export interface RemoteEntry extends EntryCommon {
  kind: "remote";
  type: "http" | "sse" | "ws";
  url: string;
  headers: Readonly<Record<string, string>>;
}

/** An entry that cannot run (a missing variable): it fails alone, with this text, when it is used. */
export interface BrokenEntry extends EntryCommon {
  kind: "broken";
  /** What is wrong and what to do, for a person. */
  problem: string;
}

export type ServerEntry = StdioEntry | BuiltinEntry | RemoteEntry | BrokenEntry;

/** A configuration, read and valid. */
export interface Config {
  server: ServerSettings;
  /** In the order of the file; disabled entries are not in it. */
  servers: ReadonlyMap<string, ServerEntry>;
  /** Names of the servers that the file disables, in its order. */
  disabled: readonly string[];
  /** What was mapped, ignored or looked doubtful, one sentence each, with file and line. */
  warnings: readonly string[];
  /** The file it came from; undefined when there was none. */
  source: string | undefined;
}
