/**
 * Clients of the matrix written by hand: every revision on every transport, to the letter of that
 * revision. The revisions that no SDK negotiates any more are reached in no other way.
 *
 * @module
 */

import { readServerSentEvents } from "../../../client/sse.ts";
import type { DaemonFixture } from "../../fixtures/daemon.ts";
import { Inbox, TRANSPORTS, type Wire } from "./inbound_clients.ts";
import {
  answerOf,
  type MatrixCallOptions,
  type MatrixClient,
  Seen,
  textOf,
} from "./matrix_client.ts";
import type { Json } from "./mcp_session.ts";
import { within } from "./within.ts";

/** How a client is made. */
export interface RawClientOptions {
  daemon: DaemonFixture;
  server: string;
  revision: string;
  /** A name of `TRANSPORTS`. */
  transport: string;
  name: string;
}

const MODERN = "2026-07-28";
const META = {
  version: "io.modelcontextprotocol/protocolVersion",
  info: "io.modelcontextprotocol/clientInfo",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
};

/** Connects a client, and begins its session where there are sessions. */
export async function rawClient(options: RawClientOptions): Promise<MatrixClient> {
  const client = options.revision === MODERN
    ? new ModernClient(options)
    : new LegacyClient(options);
  await client.connect();
  return client;
}

/** Gives each message away when it comes. */
class Passing extends Inbox {
  constructor(readonly onMessage: (message: Json) => void) {
    super();
  }

  override push(message: Json): void {
    this.onMessage(message);
  }
}

abstract class RawClient implements MatrixClient {
  readonly seen = new Seen();
  readonly name: string;
  readonly options: RawClientOptions;
  readonly #pending = new Map<Json, PromiseWithResolvers<Json>>();
  readonly #progress = new Map<Json, (progress: number) => void>();
  #wire!: Wire;
  #id = 0;

  constructor(options: RawClientOptions) {
    this.options = options;
    this.name = options.name;
  }

  abstract connect(): Promise<void>;
  abstract list(): Promise<string[]>;
  abstract call(tool: string, args: Json, options?: MatrixCallOptions): Promise<string>;
  abstract listen(uri: string): Promise<void>;
  /** Ends the request `id` as the revision has it on this transport. */
  abstract cancel(id: Json): Promise<void>;

  async open(): Promise<void> {
    const { daemon, server, transport, revision } = this.options;
    const inbox = new Passing((message) => this.#take(message));
    if (transport === "Streamable HTTP") {
      const client = revision === MODERN ? this.name : undefined;
      this.#wire = new HttpWire(`${daemon.url}/mcp/${server}`, {
        inbox,
        revision,
        client,
        signalOf: (id) => this.signals.get(id),
      });
      return;
    }
    const way = TRANSPORTS.find(({ name }) => name === transport)!;
    this.#wire = await way.connect(daemon, inbox, server);
  }

  /** Signals of requests that end with their response. */
  readonly signals = new Map<Json, AbortSignal>();

  async send(message: Json): Promise<void> {
    this.seen.fromClient.push({ jsonrpc: "2.0", ...message });
    await this.#wire.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  /** Makes a request and gives its result. */
  async request(
    method: string,
    params: Json,
    { onProgress, signal, hidden = false }: MatrixCallOptions & { hidden?: boolean } = {},
  ): Promise<Json> {
    const id = `${this.name} ${++this.#id}`;
    const answer = Promise.withResolvers<Json>();
    answer.promise.catch(() => {}); // Whoever waits for it has it as well.
    this.#pending.set(id, answer);
    const progressToken = `token ${this.#id}`;
    if (onProgress !== undefined) {
      this.#progress.set(progressToken, onProgress);
      params = { ...params, _meta: { ...params._meta, progressToken } };
    }
    signal?.addEventListener("abort", () => {
      this.#pending.delete(id);
      answer.reject(signal.reason);
      void this.cancel(id);
    });
    if (signal !== undefined) this.signals.set(id, signal);
    await this.send({ id, method, params });
    if (hidden) return id;
    return await within(answer.promise, `${this.name}: the answer to ${method}`);
  }

  async #take(message: Json): Promise<void> {
    this.seen.fromServer.push(message);
    const { id, method, params, result, error } = message;
    if (message.broken !== undefined) return;
    if (method === undefined) {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(result);
      else pending?.reject(new Error(`${error.code} ${error.message}`));
    } else if (id !== undefined) {
      await this.send({ id, result: answerOf(this.name, this.seen, message) });
    } else if (method === "notifications/progress") {
      this.#progress.get(params.progressToken)?.(params.progress);
    } else {
      this.seen.notify(message);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire?.[Symbol.asyncDispose]();
  }
}

class LegacyClient extends RawClient {
  async connect(): Promise<void> {
    const { revision } = this.options;
    await this.open();
    const result = await this.request("initialize", {
      protocolVersion: revision,
      // Elicitation came with 2025-06-18.
      capabilities: { sampling: {}, ...(revision >= "2025-06-18" ? { elicitation: {} } : {}) },
      clientInfo: { name: this.name, version: "1" },
    });
    if (result.protocolVersion !== revision) {
      throw new Error(`${revision} was answered with ${result.protocolVersion}`);
    }
    await this.send({ method: "notifications/initialized" });
  }

  async list(): Promise<string[]> {
    const { tools } = await this.request("tools/list", {});
    return tools.map(({ name }: Json) => name);
  }

  async call(tool: string, args: Json, options?: MatrixCallOptions): Promise<string> {
    return textOf(await this.request("tools/call", { name: tool, arguments: args }, options));
  }

  async listen(uri: string): Promise<void> {
    await this.request("resources/subscribe", { uri });
  }

  cancel(requestId: Json): Promise<void> {
    return this.send({
      method: "notifications/cancelled",
      params: { requestId, reason: "enough" },
    });
  }
}

class ModernClient extends RawClient {
  connect(): Promise<void> {
    return this.open();
  }

  ask(method: string, params: Json, options?: MatrixCallOptions & { hidden?: boolean }) {
    const _meta = {
      [META.version]: MODERN,
      [META.info]: { name: this.name, version: "1" },
      [META.capabilities]: { elicitation: { form: {} }, sampling: {} },
    };
    return this.request(method, { ...params, _meta }, options);
  }

  async list(): Promise<string[]> {
    await this.ask("server/discover", {});
    const { tools } = await this.ask("tools/list", {});
    return tools.map(({ name }: Json) => name);
  }

  async call(tool: string, args: Json, options?: MatrixCallOptions): Promise<string> {
    let more: Json = {};
    for (let round = 0; round < 5; round++) {
      const params = { name: tool, arguments: args, ...more };
      const result = await this.ask("tools/call", params, options);
      if (result.resultType !== "input_required") return textOf(result);
      const { inputRequests, requestState } = result;
      const inputResponses = Object.fromEntries(
        Object.entries(inputRequests).map(([key, asked]) => [
          key,
          answerOf(this.name, this.seen, asked),
        ]),
      );
      more = { inputResponses, ...(requestState === undefined ? {} : { requestState }) };
    }
    throw new Error(`${tool} never had enough`);
  }

  async listen(uri: string): Promise<void> {
    const notifications = { toolsListChanged: true, resourceSubscriptions: [uri] };
    const id = await this.ask("subscriptions/listen", { notifications }, {
      hidden: true,
      signal: this.#gone.signal,
    });
    await this.seen.until(
      ({ method, params }) =>
        method === "notifications/subscriptions/acknowledged" &&
        params._meta["io.modelcontextprotocol/subscriptionId"] === id,
      `${this.name}: the acknowledgement`,
    );
  }

  /** Over HTTP the end of the response says it. */
  async cancel(requestId: Json): Promise<void> {
    if (this.options.transport === "Streamable HTTP") return;
    await this.send({ method: "notifications/cancelled", params: { requestId } });
  }

  readonly #gone = new AbortController();

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort();
    await super[Symbol.asyncDispose]();
  }
}

interface HttpWireOptions {
  inbox: Inbox;
  revision: string;
  /** How a modern client names itself; undefined for a legacy one. */
  client: string | undefined;
  /** What ends a modern request. */
  signalOf: (id: Json) => AbortSignal | undefined;
}

/** Streamable HTTP, with the headers that each revision has. */
class HttpWire implements Wire {
  readonly #url: string;
  readonly #options: HttpWireOptions;
  readonly #ending = new AbortController();
  readonly #open = new Set<Promise<void>>();
  #session: string | null = null;

  constructor(url: string, options: HttpWireOptions) {
    this.#url = url;
    this.#options = options;
  }

  async send(text: string): Promise<void> {
    const message = JSON.parse(text);
    const own = this.#options.signalOf(message.id);
    const isModern = this.#options.client !== undefined;
    const signal = isModern && own !== undefined
      ? AbortSignal.any([this.#ending.signal, own])
      : this.#ending.signal;
    const taken = fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...this.#headers(message),
      },
      body: text,
      signal,
    });
    const read = this.#read(taken, message).catch((error) => {
      if (!signal.aborted) this.#options.inbox.push({ broken: String(error) });
    });
    this.#open.add(read);
    void read.finally(() => this.#open.delete(read));
    // What is no request is taken when this returns; what begins a session has begun it.
    if (message.id === undefined || message.method === "initialize") await read;
  }

  sendBytes(): Promise<void> {
    throw new Error("The matrix sends nothing but messages");
  }

  async cut(): Promise<void> {
    if (this.#session !== null) {
      const headers = this.#headers({});
      await (await fetch(this.#url, { method: "DELETE", headers })).body?.cancel();
    }
    this.#ending.abort();
    await Promise.all(this.#open);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }

  async #read(taken: Promise<Response>, message: Json): Promise<void> {
    const response = await taken;
    const { inbox } = this.#options;
    if (message.method === "initialize") this.#session = response.headers.get("mcp-session-id");
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await readEvents(response, inbox);
    } else {
      const said = await response.text();
      if (said !== "") inbox.push(JSON.parse(said));
    }
    if (message.method === "initialize" && this.#session !== null) await this.#listen();
  }

  /** The stream for what belongs to no call. */
  async #listen(): Promise<void> {
    const response = await fetch(this.#url, {
      headers: { accept: "text/event-stream", ...this.#headers({}) },
      signal: this.#ending.signal,
    });
    // It ends with this wire, by an error.
    const read = readEvents(response, this.#options.inbox).catch(() => {});
    this.#open.add(read);
  }

  #headers({ method, params }: Json): Record<string, string> {
    const { revision, client } = this.#options;
    if (client !== undefined) {
      const subject = params?.name ?? params?.uri;
      return {
        "mcp-protocol-version": revision,
        "x-aichaku-client": client,
        "mcp-method": method,
        ...(method === "tools/call" ? { "mcp-name": subject } : {}),
      };
    }
    return {
      ...(this.#session === null ? {} : { "mcp-session-id": this.#session }),
      // The header came with 2025-06-18.
      ...(this.#session !== null && revision >= "2025-06-18"
        ? { "mcp-protocol-version": revision }
        : {}),
    };
  }
}

async function readEvents(response: Response, inbox: Inbox): Promise<void> {
  for await (const { data } of readServerSentEvents(response.body!)) {
    if (data !== "") inbox.push(JSON.parse(data));
  }
}
