/**
 * What is said to remote servers over WebSocket, and what they say. The library is loaded for it, which
 * takes a moment: only where the configuration has such a server when the daemon starts.
 *
 * @module
 */

import type { RecordedWire, Recording } from "./recording.ts";

type Socket = { url: string };
type Method = (this: Socket, ...args: unknown[]) => unknown;

/** Records every WebSocket that the daemon opens, when its configuration names one. */
export async function recordRemoteSockets(
  recording: Recording,
  configFile: string,
): Promise<void> {
  if (!/"wss?:/.test(read(configFile))) return;
  const { WebSocket } = await import("ws");
  const wires = new WeakMap<Socket, RecordedWire>();
  const wireOf = (socket: Socket): RecordedWire => {
    let wire = wires.get(socket);
    if (wire === undefined) {
      wires.set(socket, wire = recording.begin({ kind: "remote websocket", url: socket.url }));
    }
    return wire;
  };
  // What the library's own types leave out.
  const prototype = WebSocket.prototype as unknown as Record<"send" | "emit", Method>;
  const { send, emit } = prototype;
  prototype.send = function (...args) {
    wireOf(this).said("client", String(args[0]));
    return send.apply(this, args);
  };
  prototype.emit = function (...args) {
    if (args[0] === "message") wireOf(this).said("server", String(args[1]));
    return emit.apply(this, args);
  };
}

function read(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    return ""; // There is none: the built-in servers.
  }
}
