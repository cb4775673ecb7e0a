/**
 * Reads what `recorder/` wrote down.
 *
 * @module
 */

import { join } from "@std/path";
import type { Speaker } from "./recorder/recording.ts";

/** What one process said and heard on one wire. */
export interface RecordedWire {
  /** Process that wrote it down. */
  pid: number;
  begins: Begins;
  /** Pieces of a stream, or messages, in order. */
  said: Record<Speaker, Uint8Array[]>;
  /** Whose later words were too much to be kept. */
  cut: Speaker[];
  /** Of an HTTP request: how its response began. */
  response?: { status: number; type?: string; session?: string };
  /** What could not be heard. */
  missed?: string;
}

/** What kind of a wire it is. */
export type Begins =
  /** No wire: a daemon serves in this process. */
  | { kind: "daemon" }
  /** A request that the daemon answers, or one that it makes (`remote`). */
  | { kind: "http" | "remote"; method: string; path: string; session?: string; version?: string }
  | { kind: "child"; pid: number }
  | { kind: "websocket"; path: string }
  | { kind: "remote websocket"; url: string }
  | { kind: "lines"; over: string }
  | { kind: "bridge" };

/** Everything that was recorded in a folder. Files of processes that still write are read so far. */
export async function readTranscript(folder: string): Promise<RecordedWire[]> {
  const wires: RecordedWire[] = [];
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  for (const name of names.sort()) {
    const pid = Number(name.split(".")[0]);
    wires.push(...readPieces(await Deno.readFile(join(folder, name)), pid));
  }
  return wires;
}

function readPieces(file: Uint8Array, pid: number): RecordedWire[] {
  const wires = new Map<number, RecordedWire>();
  const decoder = new TextDecoder();
  for (let at = 0; at < file.length;) {
    const end = file.indexOf(10, at);
    if (end === -1) break; // It was ended in the middle of a piece.
    const { wire: id, begins, said, bytes, cut, response, missed } = JSON.parse(
      decoder.decode(file.subarray(at, end)),
    );
    at = end + 1;
    if (begins !== undefined) {
      wires.set(id, { pid, begins, said: { client: [], server: [] }, cut: [] });
      continue;
    }
    const wire = wires.get(id)!;
    if (said !== undefined) {
      if (at + bytes > file.length) break;
      wire.said[said as Speaker].push(file.subarray(at, at + bytes));
      at += bytes + 1;
    }
    if (cut !== undefined) wire.cut.push(cut);
    if (response !== undefined) wire.response = response;
    if (missed !== undefined) wire.missed = missed;
  }
  return [...wires.values()];
}
