/**
 * The environment a child is started with: an allow-list of what programs need to run at all, and what
 * the entry names. Nothing else of the daemon's own environment reaches a server.
 *
 * @module
 */

/** Who and where the user is; how text and time look. */
const UNIX = [
  "HOME",
  "LOGNAME",
  "PATH",
  "SHELL",
  "TERM",
  "USER",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "LC_MESSAGES",
  "LANGUAGE",
  "TZ",
];
const WINDOWS = [
  "APPDATA",
  "HOMEDRIVE",
  "HOMEPATH",
  "LOCALAPPDATA",
  "PATH",
  "PATHEXT",
  "PROCESSOR_ARCHITECTURE",
  "PROGRAMFILES",
  "SYSTEMDRIVE",
  "SYSTEMROOT",
  "TEMP",
  "USERNAME",
  "USERPROFILE",
];
/** Without these, `npx` and `uvx` cannot fetch a server on a network with a proxy or its own CA. */
const NETWORK = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "REQUESTS_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "DENO_CERT",
  "DENO_DIR",
  "DENO_TLS_CA_STORE",
];
/** Where a desktop, a session bus, a key agent and a user's own folders are; none of it is a secret. */
const SESSION = [
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "DBUS_SESSION_BUS_ADDRESS",
  "SSH_AUTH_SOCK",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_CACHE_HOME",
  "XDG_STATE_HOME",
];
const TEMPORARY = ["TMPDIR"];

/** Options of {@linkcode childEnvironment}. */
export interface ChildEnvironmentOptions {
  /** The daemon's own environment. */
  inherited: Readonly<Record<string, string | undefined>>;
  /** What the entry of the configuration names; wins over the allow-list. */
  entry: Readonly<Record<string, string>>;
  /** Marks every process of this daemon's, so that none can outlive it unnoticed. */
  instanceId: string;
  /** Defaults to this system's. */
  os?: typeof Deno.build.os;
}

/** The whole environment of a child; start it with `clearEnv`. */
export function childEnvironment(options: ChildEnvironmentOptions): Record<string, string> {
  const os = options.os ?? Deno.build.os;
  const allowed = [...(os === "windows" ? WINDOWS : UNIX), ...NETWORK, ...SESSION, ...TEMPORARY];
  const entry = { ...options.entry, AICHAKU_INSTANCE: options.instanceId };
  // On Windows `Path` and `PATH` are one variable.
  const canonical = (name: string) => os === "windows" ? name.toUpperCase() : name;
  const inherited = new Map(
    Object.entries(options.inherited).map(([name, value]) => [canonical(name), value]),
  );
  const named = new Set(Object.keys(entry).map(canonical));
  const environment: Record<string, string> = {};
  for (const name of allowed) {
    const value = inherited.get(canonical(name));
    // A value that begins with "()" is a function exported by an old bash: code, not data.
    if (value === undefined || value.startsWith("()") || named.has(canonical(name))) continue;
    environment[canonical(name)] = name === "PATH" ? withoutNodeStandIn(value, os) : value;
  }
  return { ...environment, ...entry };
}

/**
 * Deno 2.9 puts a folder with a `node` that is Deno itself in front of its own PATH, for programs that it
 * starts. A server that asks for Node must get Node.
 */
function withoutNodeStandIn(path: string, os: typeof Deno.build.os): string {
  const delimiter = os === "windows" ? ";" : ":";
  return path.split(delimiter).filter((folder) => !/[\\/]node_compat_bin[\\/]?$/.test(folder))
    .join(delimiter);
}
