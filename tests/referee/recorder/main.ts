/**
 * Loaded into `aichaku` by the fixture (`deno run --preload`), before the program itself: writes down
 * what a daemon and a stdio bridge say and hear, for the referee. The program is the same, knows nothing
 * of it, and its processes are the same: no proxy, no process in between.
 *
 * Writes into the folder `recorded` beside the home; without one, nothing is written down. Whatever
 * `aichaku` starts of itself has it loaded as well.
 *
 * Recorded: HTTP requests with their responses, WebSockets, connections of lines, children on stdio,
 * remote servers over HTTP and over WebSocket, and the standard input and output of the stdio bridge. Not
 * recorded: the servers inside the daemon's own process.
 *
 * @module
 */

import { overhearBody, overhearConnection, overhearStream, overhearWriter } from "./overhear.ts";
import { Recording } from "./recording.ts";
import { recordRemoteSockets } from "./remote_sockets.ts";
import { overhearResponse, watchResponses } from "./responses.ts";

/** The program whose processes are to be recorded. */
const PROGRAM = import.meta.filename!.replace(/tests.referee.recorder.main\.ts$/, "main.ts");
/** What is served beside MCP, and what a WebSocket begins with. */
const NOT_MCP = /^\/(?:health|metrics|sessions|shutdown|reload|aichaku)\b|\/ws$/;

const home = Deno.env.get("AICHAKU_HOME");
const folder = `${home}/../recorded`;
if (exists(folder)) record(new Recording(folder));

function record(recording: Recording): void {
  let serving = false;
  const { fetch, Deno: { Command, listen, serve, upgradeWebSocket } } = lazily();

  define(Deno, "Command", () =>
    new Proxy(Command(), {
      construct(target, [program, options = {}]) {
        const args = withThisModule(options.args);
        const command: Deno.Command = new target(program, { ...options, args });
        // Nothing but a server of somebody's is given an environment of its own and two pipes.
        const { clearEnv, stdin, stdout } = options;
        if (serving && clearEnv && stdin === "piped" && stdout === "piped") recordChild(command);
        return command;
      },
    }));

  define(Deno, "serve", () => {
    const original = serve();
    return (...args: unknown[]) => {
      if (!serving) {
        serving = true;
        watchResponses();
        recording.begin({ kind: "daemon" });
        void recordRemoteSockets(recording, `${home}/config.json`);
      }
      const [options, handler] = args as [object, Deno.ServeHandler];
      if (typeof handler !== "function") return Reflect.apply(original, Deno, args);
      return original(options, (request, info) => exchange(request, () => handler(request, info)));
    };
  });

  define(Deno, "upgradeWebSocket", () => {
    const original = upgradeWebSocket();
    return (request: Request, options?: Deno.UpgradeWebSocketOptions) => {
      const upgrade = original(request, options);
      recordSocket(upgrade.socket, pathOf(request.url));
      return upgrade;
    };
  });

  define(Deno, "listen", () => {
    const original = listen() as (options: Deno.ListenOptions) => Deno.Listener;
    return (options: Deno.ListenOptions) => {
      const listener = original(options);
      const accept = listener.accept.bind(listener);
      listener.accept = async () => {
        const conn = await accept();
        recordLines(conn);
        return conn;
      };
      return listener;
    };
  });

  define(globalThis, "fetch", () => {
    const original = fetch();
    return async (input: string | URL | Request, init: RequestInit = {}) => {
      const url = `${input}`;
      const isMcp = serving && (init.body instanceof Blob || init.method === "GET") &&
        !NOT_MCP.test(new URL(url).pathname);
      return isMcp ? await recordFetch(url, init, original) : await original(input, init);
    };
  });

  if (isBridge(Deno.args)) recordBridge();

  // ---- the wires

  function exchange(
    request: Request,
    answer: () => Response | Promise<Response>,
  ): Response | Promise<Response> {
    const path = pathOf(request.url);
    if (NOT_MCP.test(path.split("?")[0])) return answer();
    const { headers, method } = request;
    const wire = recording.begin({ kind: "http", method, path, ...namedBy(headers) });
    overhearBody(request, (bytes) => wire.said("client", bytes));
    const noted = (response: Response) => {
      const { headers, status } = response;
      wire.note({ response: { status, ...namedBy(headers) } });
      const isKnown = overhearResponse(response, (what) => wire.said("server", what));
      if (!isKnown && status !== 101) wire.note({ missed: "the response" });
      return response;
    };
    const response = answer();
    return response instanceof Promise ? response.then(noted) : noted(response);
  }

  function recordChild(command: Deno.Command): void {
    const spawn = command.spawn.bind(command);
    command.spawn = () => {
      const child = spawn();
      const wire = recording.begin({ kind: "child", pid: child.pid });
      overhearWriter(child.stdin, (bytes) => wire.said("client", bytes));
      overhearStream(child.stdout, (bytes) => wire.said("server", bytes));
      return child;
    };
  }

  function recordSocket(socket: WebSocket, path: string): void {
    const wire = recording.begin({ kind: "websocket", path });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") wire.said("client", data);
    });
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      if (typeof data === "string") wire.said("server", data);
      send(data);
    };
  }

  function recordLines(conn: Deno.Conn): void {
    const wire = recording.begin({ kind: "lines", over: conn.localAddr.transport });
    overhearConnection(conn, {
      read: (bytes) => wire.said("client", bytes),
      written: (bytes) => wire.said("server", bytes),
    });
  }

  async function recordFetch(
    url: string,
    init: RequestInit,
    original: typeof globalThis.fetch,
  ): Promise<Response> {
    const { origin, pathname, search } = new URL(url);
    const path = `${origin}${pathname}${search}`;
    const named = namedBy(new Headers(init.headers));
    const wire = recording.begin({ kind: "remote", method: init.method, path, ...named });
    if (init.body instanceof Blob) {
      const body = init.body;
      body.text().then((text) => wire.said("client", text));
    }
    const response = await original(url, init);
    const { headers, status } = response;
    wire.note({ response: { status, ...namedBy(headers) } });
    overhearBody(response, (bytes) => wire.said("server", bytes));
    return response;
  }

  /** The client of the bridge is on its standard input and output. */
  function recordBridge(): void {
    const wire = recording.begin({ kind: "bridge" });
    const read = Deno.stdin.read.bind(Deno.stdin);
    Deno.stdin.read = async (into) => {
      const count = await read(into);
      if (count !== null) wire.said("client", into.slice(0, count));
      return count;
    };
    const write = Deno.stdout.writeSync.bind(Deno.stdout);
    Deno.stdout.writeSync = (bytes) => {
      const count = write(bytes);
      wire.said("server", bytes.subarray(0, count));
      return count;
    };
  }
}

/** Behind `--` stands a command of somebody's. */
function isBridge(args: readonly string[]): boolean {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  return own[0] === "mcp" && (own[1] === "stdio" || own.includes("--stdio"));
}

/** What headers say of the messages that come with them. */
function namedBy(headers: Headers): { type?: string; session?: string; version?: string } {
  const named = (name: string) => headers.get(name) ?? undefined;
  return {
    type: named("content-type"),
    session: named("mcp-session-id") ?? named("x-session-id"),
    version: named("mcp-protocol-version"),
  };
}

/** Path and query. Not by `URL`: what a client gives for a host may be none. */
function pathOf(url: string): string {
  return url.replace(/^[^:]*:\/\/[^/?#]*/, "");
}

/** Loads this module in whatever is run of the program again. */
function withThisModule(args: readonly (string | URL)[] = []): (string | URL)[] {
  const at = args.indexOf(PROGRAM);
  const flag = `--preload=${import.meta.filename}`;
  return at === -1 || args.includes(flag) ? [...args] : args.toSpliced(at, 0, flag);
}

/** The originals, each looked up when it is needed: looking is what makes the runtime load them. */
function lazily() {
  const get = <T extends object, K extends keyof T>(object: T, name: K) => {
    const { get, value } = Object.getOwnPropertyDescriptor(object, name)!;
    return (): T[K] => get === undefined ? value : get.call(object);
  };
  return {
    fetch: get(globalThis, "fetch"),
    Deno: {
      Command: get(Deno, "Command"),
      listen: get(Deno, "listen"),
      serve: get(Deno, "serve"),
      upgradeWebSocket: get(Deno, "upgradeWebSocket"),
    },
  };
}

/** Puts something in the place of a part of the runtime, made when it is first used. */
function define(object: object, name: string, make: () => unknown): void {
  let made: unknown;
  Object.defineProperty(object, name, { configurable: true, get: () => made ??= make() });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // There is none, or no home at all.
  }
}
