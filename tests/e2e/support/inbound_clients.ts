/**
 * One client on each way into the daemon, down to the wire: what a test sends goes out as it is, and
 * whatever comes back, by whatever way, is one sequence of messages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { settlesWithin } from "../../../protocol/deadline.ts";
import type { DaemonFixture } from "../../fixtures/daemon.ts";
import { EventReader } from "./event_reader.ts";
import { initialize, type Json } from "./mcp_session.ts";
import { within } from "./within.ts";

/** What came from the daemon, in order. */
export class Inbox {
  readonly #messages: Json[] = [];
  readonly #waiting: (() => void)[] = [];
  #ended = false;

  push(message: Json): void {
    this.#messages.push(message);
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Takes the first message that matches. Fails when none comes in time, or none can come any more. */
  take(matches: (message: Json) => boolean, what: string): Promise<Json> {
    const taken = this.#take(matches, what);
    taken.catch(() => {}); // When a test has failed, nobody may be left to hear it.
    return within(taken, what);
  }

  /** Everything that is there, and stays there. */
  get all(): readonly Json[] {
    return this.#messages;
  }

  /** Resolves when nothing more will come. */
  async untilEnd(what: string): Promise<void> {
    const ended = (async () => {
      while (!this.#ended) await this.#next();
    })();
    await within(ended, what);
  }

  async #take(matches: (message: Json) => boolean, what: string): Promise<Json> {
    for (;;) {
      const at = this.#messages.findIndex(matches);
      if (at !== -1) return this.#messages.splice(at, 1)[0];
      if (this.#ended) {
        throw new Error(`The connection ended before ${what}; left: ${JSON.stringify(this.all)}`);
      }
      await this.#next();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A way of sending. */
export interface Wire extends AsyncDisposable {
  /** Sends a text as one message. */
  send(text: string): Promise<void>;
  /** Sends bytes that may be anything. */
  sendBytes(bytes: Uint8Array): Promise<void>;
  /** Gone without a word. */
  cut(): Promise<void>;
}

/** What can be said of a transport. */
export interface Transport {
  name: string;
  /** Connects. Without a server: to all together. */
  connect(daemon: DaemonFixture, inbox: Inbox, server: string): Promise<Wire>;
  /** What tools are called there. Default as at their server. */
  tool?: (name: string, server: string) => string;
  /** There is no `initialize`. */
  noHandshake?: boolean;
  /** Whether a client that is gone has thereby ended its session. */
  endsWithConnection: boolean;
  /** Whether a text that is no message ends the connection. */
  endsAtBadText?: boolean;
  /** Where one is told that there is no such server. Default: connecting fails. */
  unknownServer?: "in a message" | "never";
}

/** One client. */
export class InboundClient implements AsyncDisposable {
  readonly inbox = new Inbox();
  readonly transport: Transport;
  #wire!: Wire;
  #told = 0;

  readonly server: string;

  private constructor(transport: Transport, server: string) {
    this.transport = transport;
    this.server = server;
  }

  /** Connects, without a word of MCP. */
  static async open(
    transport: Transport,
    daemon: DaemonFixture,
    server = "misbehaving",
  ): Promise<InboundClient> {
    const client = new InboundClient(transport, server);
    client.#wire = await transport.connect(daemon, client.inbox, server);
    return client;
  }

  /** Connects and initializes. */
  static async begin(
    transport: Transport,
    daemon: DaemonFixture,
    { server, capabilities = {} }: { server?: string; capabilities?: Json } = {},
  ): Promise<InboundClient> {
    const client = await InboundClient.open(transport, daemon, server);
    if (transport.noHandshake) return client;
    const { params, ...request } = initialize("2025-06-18");
    const { result } = await client.ask({ ...request, params: { ...params, capabilities } });
    assert.equal(result?.protocolVersion, "2025-06-18");
    await client.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return client;
  }

  send(message: Json): Promise<void> {
    return this.#wire.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#wire.sendBytes(bytes);
  }

  cut(): Promise<void> {
    return this.#wire.cut();
  }

  /** Sends a request and waits for its answer. */
  async ask(request: Json): Promise<Json> {
    await this.send(request);
    return await this.answer(request.id);
  }

  answer(id: Json): Promise<Json> {
    const matches = (message: Json) => message.id === id && !("method" in message);
    return this.inbox.take(matches, `${this.transport.name}: the answer to ${JSON.stringify(id)}`);
  }

  call(id: Json, name: string, args: Json = {}, more: Json = {}): Promise<Json> {
    return this.ask(this.toolCall(id, name, args, more));
  }

  toolCall(id: Json, name: string, args: Json = {}, more: Json = {}): Json {
    const tool = this.transport.tool?.(name, this.server) ?? name;
    const params = { name: tool, arguments: args, ...more };
    return { jsonrpc: "2.0", id, method: "tools/call", params };
  }

  /** Calls a tool under an id of its own and gives its text. */
  async tell(name: string, args: Json = {}): Promise<string> {
    return text(await this.call(`told ${this.#told++}`, name, args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }
}

/** The text of a tool's answer. */
export function text(answer: Json): string {
  assert.ok(answer.result?.content, `not a tool's result: ${JSON.stringify(answer)}`);
  return answer.result.content[0].text;
}

const utf8 = new TextEncoder();

// ---- HTTP

const JSON_TYPE = { "content-type": "application/json" };
const BOTH = { accept: "application/json, text/event-stream" };

/** Reads an event stream into an inbox until it ends. @returns what cuts it. */
function pump(response: Response, inbox: Inbox, onEnd: () => void = () => {}): EventReader {
  assert.equal(response.status, 200);
  const reader = new EventReader(response);
  (async () => {
    try {
      for (;;) {
        // A stream may be silent for longer than any test waits for one event.
        const event = await reader.next("anything at all on a stream").catch(() => undefined);
        if (event === undefined) break;
        if (event.event === undefined || event.event === "message") {
          inbox.push(JSON.parse(event.data));
        }
      }
    } finally {
      onEnd();
    }
  })();
  return reader;
}

/** A wire that posts, and reads what comes in the responses. */
abstract class PostingWire implements Wire {
  readonly inbox: Inbox;
  readonly #aborting = new AbortController();
  readonly #responses = new Set<Promise<void>>();

  constructor(inbox: Inbox) {
    this.inbox = inbox;
  }

  abstract url(): string;
  abstract headers(): Record<string, string>;
  onResponse(_response: Response): void | Promise<void> {}

  send(text: string): Promise<void> {
    return this.sendBytes(utf8.encode(text));
  }

  async sendBytes(body: Uint8Array): Promise<void> {
    const response = this.#post(body as Uint8Array<ArrayBuffer>);
    this.#responses.add(response);
    response.finally(() => this.#responses.delete(response));
    // Long calls have no response yet; what is short is over when this returns.
    await settlesWithin(response, 50);
  }

  async cut(): Promise<void> {
    this.#aborting.abort();
    await Promise.all(this.#responses);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  async #post(body: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const response = await fetch(this.url(), {
        method: "POST",
        headers: { ...JSON_TYPE, ...BOTH, ...this.headers() },
        body,
        signal: this.#aborting.signal,
      });
      await this.onResponse(response);
      if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
        const events = new EventReader(response);
        for (let event = await events.next(); event !== undefined; event = await events.next()) {
          this.inbox.push(JSON.parse(event.data));
        }
        return;
      }
      const text = await response.text();
      if (response.headers.get("content-type")?.startsWith("application/json")) {
        const value = JSON.parse(text);
        if (value.jsonrpc !== undefined || Array.isArray(value)) this.inbox.push(value);
      }
    } catch (error) {
      if (!this.#aborting.signal.aborted) this.inbox.push({ broken: String(error) });
    }
  }
}

class StreamableWire extends PostingWire {
  readonly #url: string;
  #session: string | null = null;
  #stream: EventReader | undefined;

  constructor(url: string, inbox: Inbox) {
    super(inbox);
    this.#url = url;
  }

  url() {
    return this.#url;
  }

  headers(): Record<string, string> {
    return this.#session === null ? {} : { "mcp-session-id": this.#session };
  }

  override async onResponse(response: Response): Promise<void> {
    const id = response.headers.get("mcp-session-id");
    if (id === null || this.#session !== null) return;
    this.#session = id;
    const headers = { accept: "text/event-stream", ...this.headers() };
    this.#stream = pump(await fetch(this.#url, { headers }), this.inbox);
  }

  override async cut(): Promise<void> {
    await super.cut();
    await this.#stream?.[Symbol.asyncDispose]();
  }
}

class SseWire extends PostingWire {
  readonly #address: string;
  readonly #stream: EventReader;

  constructor(address: string, stream: EventReader, inbox: Inbox) {
    super(inbox);
    this.#address = address;
    this.#stream = stream;
  }

  static async open(url: string, inbox: Inbox): Promise<SseWire> {
    const response = await fetch(url, { headers: { accept: "text/event-stream" } });
    if (response.status !== 200) {
      throw new Error(`${response.status} ${await response.text()}`);
    }
    const reader = new EventReader(response);
    const first = await reader.next("the endpoint event");
    assert.equal(first?.event, "endpoint");
    (async () => {
      for (;;) {
        const event = await reader.next("anything").catch(() => undefined);
        if (event === undefined) break;
        inbox.push(JSON.parse(event.data));
      }
      inbox.end();
    })();
    return new SseWire(new URL(first!.data, url).href, reader, inbox);
  }

  url() {
    return this.#address;
  }

  headers() {
    return {};
  }

  override async cut(): Promise<void> {
    await super.cut();
    await this.#stream[Symbol.asyncDispose]();
  }
}

class RpcWire extends PostingWire {
  readonly #url: string;
  readonly #session: string;
  readonly #stream: EventReader;

  constructor(
    url: string,
    { session, stream }: { session: string; stream: EventReader },
    inbox: Inbox,
  ) {
    super(inbox);
    this.#url = url;
    this.#session = session;
    this.#stream = stream;
  }

  static async open(base: string, url: string, inbox: Inbox): Promise<RpcWire> {
    const ping = '{"jsonrpc":"2.0","id":"first","method":"ping"}';
    const first = await fetch(url, { method: "POST", headers: JSON_TYPE, body: ping });
    const text = await first.text();
    if (first.status !== 200) throw new Error(`${first.status} ${text}`);
    const session = first.headers.get("x-session-id")!;
    const headers = { "x-session-id": session };
    const stream = pump(await fetch(`${base}/sse`, { headers }), inbox, () => inbox.end());
    return new RpcWire(url, { session, stream }, inbox);
  }

  url() {
    return this.#url;
  }

  headers() {
    return { "x-session-id": this.#session };
  }

  override async cut(): Promise<void> {
    await super.cut();
    await this.#stream[Symbol.asyncDispose]();
  }
}

class V1Wire extends PostingWire {
  readonly #base: string;
  #session: string | undefined;
  #stream: EventReader | undefined;

  constructor(base: string, inbox: Inbox) {
    super(inbox);
    this.#base = base;
  }

  /** `initialize` goes to an address of its own, and comes back in a shape of its own. */
  override async send(text: string): Promise<void> {
    if (!text.includes('"method":"initialize"') || this.#session !== undefined) {
      return await super.send(text);
    }
    const response = await fetch(`${this.#base}/init`, {
      method: "POST",
      headers: JSON_TYPE,
      body: text,
    });
    const { sessionId, result } = await response.json();
    this.#session = sessionId;
    const headers = { accept: "text/event-stream" };
    const opened = await fetch(`${this.#base}/stream/${sessionId}`, { headers });
    this.#stream = pump(opened, this.inbox);
    this.inbox.push({ jsonrpc: "2.0", id: JSON.parse(text).id, result });
  }

  url() {
    return `${this.#base}/message`;
  }

  headers(): Record<string, string> {
    return this.#session === undefined ? {} : { "x-session-id": this.#session };
  }

  override async cut(): Promise<void> {
    await super.cut();
    await this.#stream?.[Symbol.asyncDispose]();
  }
}

// ---- connections

class SocketWire implements Wire {
  readonly #socket: WebSocket;
  readonly #closed: Promise<void>;

  constructor(socket: WebSocket, closed: Promise<void>) {
    this.#socket = socket;
    this.#closed = closed;
  }

  static async open(url: string, inbox: Inbox): Promise<SocketWire> {
    const socket = new WebSocket(url, "mcp");
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    socket.onopen = () => opened.resolve();
    socket.onerror = (event) => {
      opened.reject(new Error((event as ErrorEvent).message));
    };
    socket.onclose = () => {
      inbox.end();
      closed.resolve();
    };
    socket.onmessage = ({ data }) => inbox.push(JSON.parse(data));
    await within(opened.promise, "the WebSocket to open");
    return new SocketWire(socket, closed.promise);
  }

  send(text: string): Promise<void> {
    this.#socket.send(text);
    return Promise.resolve();
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
    return Promise.resolve();
  }

  async cut(): Promise<void> {
    this.#socket.close();
    await within(this.#closed, "the WebSocket to close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }
}

/** Lines over anything that reads and writes bytes. */
export class LineWire implements Wire {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #close: () => void | Promise<void>;
  readonly #reading: Promise<void>;

  constructor(
    { readable, write, close }: {
      readable: ReadableStream<Uint8Array>;
      write(bytes: Uint8Array): Promise<void>;
      close(): void | Promise<void>;
    },
    inbox: Inbox,
  ) {
    this.#write = write;
    this.#close = close;
    this.#reading = this.#read(readable, inbox);
  }

  send(text: string): Promise<void> {
    return this.sendBytes(utf8.encode(`${text}\n`));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    try {
      await this.#write(bytes);
    } catch {
      // The daemon has closed: what it said before is what the test is about.
    }
  }

  async cut(): Promise<void> {
    await this.#close();
    await within(this.#reading, "the connection to end");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }

  async #read(readable: ReadableStream<Uint8Array>, inbox: Inbox): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of readable) {
        rest += decoder.decode(chunk, { stream: true });
        const lines = rest.split("\n");
        rest = lines.pop()!;
        for (const line of lines) inbox.push(JSON.parse(line));
      }
    } catch {
      // Cut: by the test, or by the daemon; what came before counts.
    }
    inbox.end();
  }
}

/** Lines over a socket. */
export function lineWire(conn: Deno.Conn, inbox: Inbox): LineWire {
  return new LineWire({
    readable: readableOf(conn),
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    },
    close() {
      try {
        conn.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error; // Closed before.
      }
    },
  }, inbox);
}

function readableOf(conn: Deno.Conn): ReadableStream<Uint8Array> {
  const buffer = new Uint8Array(64 * 1024);
  return new ReadableStream({
    async pull(controller) {
      const count = await conn.read(buffer);
      if (count === null) controller.close();
      else controller.enqueue(buffer.slice(0, count));
    },
  });
}

/** Where the daemon's TCP port is, as it announces it. */
export function tcpAddress(daemon: DaemonFixture): { hostname: string; port: number } {
  const { tcp } = daemon.announcement;
  if (tcp === null) throw new Error("The daemon announces no TCP port");
  const [hostname, port] = tcp.split(":");
  return { hostname, port: Number(port) };
}

function stdioBridge(daemon: DaemonFixture, inbox: Inbox, server: string): Wire {
  const child = daemon.command(["mcp", "--stdio", "--server", server], {
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  return new LineWire({
    readable: child.stdout,
    write: (bytes) => writer.write(bytes),
    async close() {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It has ended by itself.
      }
      await child.status;
      await writer.abort().catch(() => {}); // Its pipe is closed with it.
    },
  }, inbox);
}

// ---- all of them

/** Every way in. */
export const TRANSPORTS: readonly Transport[] = [
  {
    name: "Streamable HTTP",
    connect: ({ url }, inbox, server) =>
      Promise.resolve(new StreamableWire(`${url}/mcp/${server}`, inbox)),
    endsWithConnection: false,
    unknownServer: "in a message",
  },
  {
    name: "HTTP+SSE",
    connect: ({ url }, inbox, server) => SseWire.open(`${url}/mcp/${server}/sse`, inbox),
    endsWithConnection: true,
  },
  {
    name: "WebSocket",
    connect: ({ url }, inbox, server) =>
      SocketWire.open(`${url.replace("http:", "ws:")}/mcp/${server}/ws`, inbox),
    endsWithConnection: true,
  },
  {
    name: "Unix socket",
    async connect({ announcement }, inbox, server) {
      const conn = await Deno.connect({ transport: "unix", path: announcement.socket! });
      const wire = lineWire(conn, inbox);
      await wire.send(JSON.stringify({ aichaku: { server } }));
      return wire;
    },
    endsWithConnection: true,
    endsAtBadText: true,
    unknownServer: "in a message",
  },
  {
    name: "TCP",
    async connect(daemon, inbox, server) {
      const conn = await Deno.connect(tcpAddress(daemon));
      conn.setNoDelay(true);
      const wire = lineWire(conn, inbox);
      await wire.send(JSON.stringify({ aichaku: { server, token: daemon.token } }));
      return wire;
    },
    endsWithConnection: true,
    endsAtBadText: true,
    unknownServer: "in a message",
  },
  {
    name: "stdio bridge",
    connect: (daemon, inbox, server) => Promise.resolve(stdioBridge(daemon, inbox, server)),
    // It cannot say goodbye when it is killed: its session is one of Streamable HTTP.
    endsWithConnection: false,
    unknownServer: "in a message",
  },
  {
    name: "/rpc with a stream",
    connect: ({ url }, inbox, server) => RpcWire.open(url, `${url}/rpc/${server}`, inbox),
    noHandshake: true,
    endsWithConnection: false,
  },
  {
    name: "/mcp/v1",
    connect: ({ url }, inbox) => Promise.resolve(new V1Wire(`${url}/mcp/v1`, inbox)),
    tool: (name, server) => `${server}__${name}`,
    endsWithConnection: false,
    unknownServer: "never",
  },
];
