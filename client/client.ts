/**
 * The client: one server (or all of them), reached over the daemon when it runs and over a process of
 * its own otherwise, without its user having to know.
 *
 * Guarantees:
 * - Nothing happens before the first call. Concurrent first calls share one attempt to connect; a
 *   failed one is made anew by the next call.
 * - Every call settles: with its result, or with an {@linkcode AichakuError}.
 * - A request is sent again only when it was certainly not executed: the connection was refused, the
 *   daemon no longer knew the session, or was stopping and said so. A daemon that restarts is waited for.
 *   A call in flight when the connection breaks is rejected; the next call connects anew.
 * - A client with handlers or `onNotification` whose daemon went away looks for it again by itself, with
 *   growing pauses.
 * - An idle client keeps no process alive, closed or not.
 *
 * @module
 */

import { AichakuError, excerpt, messageOf } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import { Link } from "./link.ts";
import { onAbort } from "./on_abort.ts";
import {
  type ClientOptions,
  MAX_TIMER_MS,
  milliseconds,
  type Mode,
  PEER,
  type ResolvedOptions,
  resolveOptions,
} from "./options.ts";
import { Scope } from "./scope.ts";
import { SdkTransport } from "./sdk_transport.ts";
import type { Progress, ServerInfo, Transport } from "./transport.ts";
import { type CallToolResult, readToolResult, readTools, type Tool } from "./tools.ts";

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call: the server is told, and the promise rejects with kind `aborted`. */
  signal?: AbortSignal;
  /**
   * Milliseconds from the moment the connection stands until the answer (of all pages of a list). Time
   * spent connecting is bounded by the client's `connectTimeoutMs`. Default: the client's `timeoutMs`.
   */
  timeoutMs?: number;
  /** Told what the server reports about this call. Throwing in it cancels the call. */
  onProgress?: (progress: Progress) => void;
}

/** A call that has not settled. */
interface Call {
  scope: Scope;
  timeoutMs: number;
}

/** Pages of one list, at most. */
const MAX_PAGES = 1000;

/**
 * A client of one MCP server, or of all servers of the daemon.
 *
 * ```ts
 * await using client = new AichakuClient({ server: "sample" });
 * const sum = await client.callTool("calculator", { operation: "add", a: 1, b: 2 });
 * ```
 */
export class AichakuClient {
  readonly #given: ClientOptions;
  readonly #options: ResolvedOptions;
  readonly #link: Link;
  /** Calls that have not settled. */
  readonly #calls = new Set<Scope>();
  #closing: Promise<void> | undefined;
  readonly #stopListening: () => void;

  /**
   * Does not connect yet.
   *
   * @throws {TypeError} when an option has no meaning; the message says what to change.
   * @throws {RangeError} when a duration is not a positive number of milliseconds.
   */
  constructor(options: ClientOptions = {}) {
    this.#given = options;
    this.#options = resolveOptions(options);
    this.#link = new Link(this.#options, this.#subject);
    this.#stopListening = onAbort(this.#options.signal, () => void this.close());
  }

  /** How the server is reached; undefined while there is no connection. */
  get mode(): Mode | undefined {
    return this.#link.connection?.mode;
  }

  /** What the server says of itself; undefined while there is no connection. */
  get serverInfo(): ServerInfo | undefined {
    return this.#link.connection?.transport.serverInfo;
  }

  /** What the server can do: `capabilities` of its introduction; undefined without a connection. */
  get serverCapabilities(): JsonObject | undefined {
    const capabilities = this.#link.connection?.transport.initializeResult.capabilities;
    return isObject(capabilities) ? capabilities : undefined;
  }

  /**
   * The server's whole answer to `initialize`; in the modern era the same, made of its answer to
   * `server/discover`. Undefined while there is no connection.
   */
  get initializeResult(): JsonObject | undefined {
    return this.#link.connection?.transport.initializeResult;
  }

  /** The daemon's session; undefined while there is none. */
  get sessionId(): string | undefined {
    return this.#link.connection?.transport.sessionId;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#link.closed;
  }

  /**
   * Connects now instead of at the first call; does nothing when a connection stands.
   *
   * @throws {AichakuError}
   */
  connect(options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    return this.#scoped(
      `connect to ${this.#subject}`,
      options,
      async ({ scope }) => void await this.#link.connect(scope.signal),
    );
  }

  /**
   * A transport for the official MCP SDK's `Client`: `await sdkClient.connect(client.transport())`. It has
   * a session of its own, reached with this client's options; handlers and capabilities are those of the
   * SDK's client. It is not closed with this client.
   */
  transport(): SdkTransport {
    const { handlers: _, capabilities: __, onNotification: ___, ...given } = this.#given;
    // That client knows the legacy era: nothing is translated that need not be.
    const options = { ...given, era: given.era ?? "legacy" as const };
    return new SdkTransport((peer) =>
      // The SDK's client has deadlines of its own, and says so when one has passed.
      new AichakuClient({ ...options, timeoutMs: MAX_TIMER_MS, ...{ [PEER]: peer } })
    );
  }

  /**
   * All tools, in the server's order; every page is fetched.
   *
   * @throws {AichakuError}
   */
  listTools(options: CallOptions = {}): Promise<Tool[]> {
    return this.#run(`list the tools of ${this.#subject}`, options, async (ask) => {
      const tools: Tool[] = [];
      const seen = new Set<unknown>();
      let cursor: unknown;
      do {
        const page = await ask("tools/list", cursor === undefined ? undefined : { cursor });
        tools.push(...readTools(page));
        cursor = page.nextCursor ?? undefined;
        if (seen.has(cursor) || seen.size >= MAX_PAGES) {
          throw new AichakuError(
            "protocol",
            `Cannot list the tools of ${this.#subject}: after ${seen.size + 1} pages it goes on ` +
              `with cursor ${excerpt(cursor)}, and would not end`,
          );
        }
        seen.add(cursor);
      } while (cursor !== undefined);
      return tools;
    });
  }

  /**
   * Calls a tool. A tool that failed gives a result with `isError: true`; only a call that could not be
   * made, or was not answered, throws.
   *
   * @throws {AichakuError}
   */
  callTool(
    name: string,
    args: JsonObject = {},
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    const action = `call tool ${JSON.stringify(name)} of ${this.#subject}`;
    return this.#run(
      action,
      options,
      async (ask) => readToolResult(await ask("tools/call", { name, arguments: args }), action),
    );
  }

  /**
   * Sends any request and gives its result as it came.
   *
   * @throws {AichakuError}
   */
  request(method: string, params?: JsonObject, options: CallOptions = {}): Promise<JsonObject> {
    return this.#run(
      `ask ${method} of ${this.#subject}`,
      options,
      (ask) => ask(method, params),
    );
  }

  /**
   * Sends a notification. Resolves when it is on its way; nobody answers it.
   *
   * @throws {AichakuError}
   */
  notify(
    method: string,
    params?: JsonObject,
    options: Omit<CallOptions, "onProgress"> = {},
  ): Promise<void> {
    return this.#scoped(
      `send ${method} to ${this.#subject}`,
      options,
      (call) => this.#send(call, (transport, signal) => transport.notify(method, params, signal)),
    );
  }

  /**
   * Ends the connection: calls in flight reject with kind `closed`, the daemon's session is deleted, a
   * process of its own is ended. Bounded (about a second; a process that will not end takes up to six);
   * never rejects. A second call waits for the first.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** {@linkcode close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #subject(): string {
    const { server } = this.#options;
    return server === undefined ? "all servers" : `server ${JSON.stringify(server)}`;
  }

  /** Runs a call of one or more requests. */
  #run<T>(
    action: string,
    options: CallOptions,
    work: (ask: (method: string, params?: JsonObject) => Promise<JsonObject>) => Promise<T>,
  ): Promise<T> {
    return this.#scoped(action, options, (call) => {
      const { scope } = call;
      const onProgress = options.onProgress && guarded(options.onProgress, { action, scope });
      return work((method, params) =>
        this.#send(
          call,
          (transport, signal) => transport.request(method, params, { signal, onProgress }),
        )
      );
    });
  }

  #send<T>(
    { scope, timeoutMs }: Call,
    send: (transport: Transport, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return this.#link.send(send, {
      signal: scope.signal,
      onConnected: () => scope.setDeadline(timeoutMs, "raise timeoutMs if the server is just slow"),
    });
  }

  /** Whatever is sent within `work` shares one signal and one deadline. */
  async #scoped<T>(
    action: string,
    options: CallOptions,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = milliseconds("timeoutMs", options.timeoutMs, this.#options.timeoutMs);
    const scope = new Scope(action, options.signal);
    this.#calls.add(scope);
    try {
      return await work({ scope, timeoutMs });
    } finally {
      this.#calls.delete(scope);
      scope.end();
    }
  }

  async #close(): Promise<void> {
    this.#stopListening?.(); // Not set yet when the signal had fired before the constructor ran.
    const error = this.#link.closedError();
    for (const scope of this.#calls) scope.abort(error);
    await this.#link.close();
  }
}

/** A progress callback that cancels its call when it throws, instead of breaking the transport. */
function guarded(
  onProgress: (progress: Progress) => void,
  { action, scope }: { action: string; scope: Scope },
): (progress: Progress) => void {
  return (progress) => {
    try {
      onProgress(progress);
    } catch (cause) {
      scope.abort(
        new AichakuError("aborted", `Cannot ${action}: onProgress threw (${messageOf(cause)})`, {
          cause,
        }),
      );
    }
  };
}
