/**
 * MCP over WebSocket: subprotocol `mcp`, one message a text frame, one session a socket. Not in any
 * revision of MCP; this is what the SDK's `WebSocketClientTransport` speaks.
 *
 * Guarantees: who may connect is decided before the upgrade, as for every other route; a message that is
 * too long, a binary one and a reader that does not read end their own socket only.
 *
 * Not guaranteed, because Deno (2.7 to 2.9) puts fragments together by itself: a bound on a message that
 * comes in fragments while it is still coming (a single frame is refused above 64 MiB); and that the
 * system lets go of the last message for a client that never reads, before the client is gone.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { Connection, type Outlet } from "./connection.ts";
import { type InboundContext, requireEndpoint } from "./context.ts";
import { Outgoing } from "./outgoing.ts";
import { projectOf } from "./project.ts";
import { offeredProtocols } from "./web_socket_token.ts";

const SUBPROTOCOL = "mcp";

/** Seconds between pings; a socket that does not answer one in as long is closed by Deno. */
const PING_S = 30;

/** Bytes that a socket may owe before the next message waits here, where it can be dropped. */
const HIGH_WATER = 1024 * 1024;

/** Milliseconds between two looks at what a socket still owes: there is no event for it. */
const LOOK_MS = 20;

/** Milliseconds that a client may take to read what is left when we close. */
const CLOSE_MS = 1000;

/** Close codes. Source: RFC 6455, section 7.4.1, and the IANA registry for 1013. */
const CODES = { goingAway: 1001, unsupported: 1003, tooBig: 1009, tryAgain: 1013 } as const;

/** `GET` with an upgrade: one client's socket. */
export function openWebSocket(
  context: InboundContext,
  { request, server }: { request: Request; server: string | undefined },
): Response {
  const endpoint = requireEndpoint(context, server);
  const project = projectOf(request);
  if (context.exchange.refusal !== undefined) throw context.exchange.refusal;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Fault("invalid_request", "This is a WebSocket: connect with ws:// and upgrade", {
      status: 426,
    });
  }
  const offered = offeredProtocols(request.headers);
  if (offered.length > 0 && !offered.includes(SUBPROTOCOL)) {
    throw new Fault(
      "invalid_request",
      `Cannot speak ${offered.join(", ").slice(0, 80)} here: offer the subprotocol "mcp", or none`,
    );
  }
  // Before the upgrade, while there is still a status to refuse with.
  context.connections.requireRoom();
  const { socket, response } = upgrade(request, offered.length > 0 ? SUBPROTOCOL : undefined);
  serve(context, socket, { endpoint, project });
  return response;
}

function upgrade(request: Request, protocol: string | undefined): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request, { protocol, idleTimeout: PING_S });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid_request", `Cannot upgrade to a WebSocket: ${why}`, { cause });
  }
}

function serve(
  context: InboundContext,
  socket: WebSocket,
  place: Pick<ConstructorParameters<typeof Connection>[0], "endpoint" | "project">,
): void {
  const { clock, limits, log } = context;
  const outgoing = new Outgoing({
    write: (texts) => write(socket, texts, clock),
    maxLength: limits.maxStreamBytes + limits.maxServerMessageBytes,
    onOverflow() {
      log.warn("client cut off: it does not read its WebSocket", { session: connection.id });
      drop(CODES.tryAgain, "too much was waiting for you to read it");
    },
    onError: () => connection.close("its WebSocket broke"),
  });
  const outlet: Outlet = {
    send: (text) => outgoing.send(text),
    end: (reason) => void closeWhenFlushed(reason),
  };
  const connection = new Connection({ context, ...place, outlet });
  socket.binaryType = "arraybuffer";

  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return drop(CODES.unsupported, "messages are text frames");
    if (isLonger(data, limits.maxBodyBytes)) {
      return drop(CODES.tooBig, `a message may have ${limits.maxBodyBytes} bytes`);
    }
    connection.receive(data);
  };
  socket.onclose = () => {
    outgoing.stop();
    connection.close("the client closed its WebSocket");
  };
  // A close follows; why the other end broke off is not ours to mend.
  socket.onerror = () => {};

  /** Ends the session at once, and the socket as soon as Deno can. */
  function drop(code: number, reason: string): void {
    outgoing.stop();
    connection.close(reason);
    close(socket, code, reason);
  }

  async function closeWhenFlushed(reason: string): Promise<void> {
    using _deadline = clock.after(CLOSE_MS, () => drop(CODES.goingAway, reason));
    await outgoing.flushed();
    close(socket, CODES.goingAway, reason);
  }
}

/** Sends, and waits until the socket owes little. */
async function write(socket: WebSocket, texts: readonly string[], clock: Clock): Promise<void> {
  for (const text of texts) {
    if (socket.readyState !== WebSocket.OPEN) throw new Error("the socket is closed");
    socket.send(text);
  }
  while (socket.readyState === WebSocket.OPEN && socket.bufferedAmount > HIGH_WATER) {
    const looked = Promise.withResolvers<void>();
    using _timer = clock.after(LOOK_MS, looked.resolve);
    await looked.promise;
  }
}

function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  // At most 123 bytes: RFC 6455, section 5.5.
  socket.close(code, reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 120));
}

const utf8 = new TextEncoder();

/** Whether a text has more bytes than that. Counted only where its characters do not tell. */
function isLonger(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && utf8.encode(text).length > maxBytes;
}
