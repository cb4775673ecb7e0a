/**
 * The environment variables that programs need to run as their user expects: who and where the user is,
 * how text and time look, how the network is reached, where the desktop is. None of it is a secret.
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
/** Where a desktop, a session bus, a key agent and a user's own folders are. */
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

/** Their names, in upper case on Windows. */
export function programVariables(os: typeof Deno.build.os = Deno.build.os): readonly string[] {
  return [...(os === "windows" ? WINDOWS : UNIX), ...NETWORK, ...SESSION, ...TEMPORARY];
}
