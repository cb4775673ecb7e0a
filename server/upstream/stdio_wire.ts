/**
 * A server as a child process: newline-delimited JSON-RPC on its stdin and stdout, in its own process
 * group, without a shell. Its stderr is always drained. It ends by stdin EOF, then SIGTERM, then
 * SIGKILL of the whole group.
 *
 * @module
 */

import { signalGroup } from "../../platform/process_group.ts";
import { programFile } from "../../platform/program_file.ts";
import { settlesWithin } from "../../protocol/deadline.ts";
import { Fault } from "../../protocol/errors.ts";
import { LineSplitter } from "../../protocol/ndjson.ts";
import { LineWriter } from "./line_writer.ts";
import { StderrTail } from "./stderr_tail.ts";
import { type CloseGrace, UNHURRIED, type Wire, type WireEvents } from "./wire.ts";

/** What to start. */
export interface StdioWireOptions {
  /** Name of the server, for errors. */
  server: string;
  command: string;
  args: readonly string[];
  /** The whole environment. */
  env: Record<string, string>;
  /** Absolute folder. */
  cwd: string;
  /** Longest line from the server, characters. */
  maxLineLength: number;
  /** Most bytes that may wait for the server to read them. */
  maxOwed: number;
  /** The process runs; it leads a process group of the same id. */
  onSpawn?(pid: number): void;
  /** The process has ended, and its group was killed. */
  onExit?(pid: number): void;
  /** Told every line of stderr. */
  onStderr(line: string): void;
  /** How long it may take to end when its pipes break. Default {@linkcode UNHURRIED}. */
  grace?: CloseGrace;
}

/** Bytes read at once. */
const READ_BUFFER = 64 * 1024;
/** Milliseconds for what a dead process left in its pipes. */
const LAST_WORDS_MS = 250;

/**
 * Starts the process.
 *
 * @throws {Fault} `upstream_unavailable` when the command or the folder does not exist or may not run.
 */
export function openStdioWire(options: StdioWireOptions, events: WireEvents): Wire {
  const { grace = UNHURRIED } = options;
  const child = spawn(options);
  options.onSpawn?.(child.pid);
  const stderrTail = new StderrTail({ onLine: options.onStderr });
  const lines = new LineSplitter(events.onLine, {
    maxLength: options.maxLineLength,
    onOversize: events.onOversizeLine,
  });
  const stdout = drain(child.stdout, (chunk) => lines.push(chunk));
  const stderr = drain(child.stderr, (chunk) => stderrTail.push(chunk));
  const writer = new LineWriter(child.stdin, {
    maxOwed: options.maxOwed,
    onRoom: () => over || events.onRoom(),
    // The server closed its stdin. It may still live, but nothing can be asked of it any more.
    onError: () => void endByForce(grace),
  });

  /** The process ends, or can give no answers any more. */
  let over = false;
  let exited = false;
  const ended = watch();
  let closing: Promise<void> | undefined;
  return {
    pid: child.pid,
    get owed() {
      return writer.owed;
    },
    get room() {
      return writer.room;
    },
    get writable() {
      return !over && !writer.closed;
    },
    get lastWords() {
      return stderrTail.text;
    },
    send: (text) => !over && writer.write(text),
    close: (grace) => closing ??= close(grace),
  };

  async function watch(): Promise<void> {
    const first = await Promise.race([
      stdout.ended.then(() => "stdout" as const),
      child.status.then(() => "exit" as const),
    ]);
    over = true;
    // Stdout can end before the process does. Without it there are no answers, so it is over.
    if (first === "stdout" && !(await settlesWithin(child.status, LAST_WORDS_MS))) {
      await endByForce(grace);
    }
    const status = await child.status;
    exited = true;
    // What the child left in its group must neither outlive it nor hold our pipes open.
    // Windows has no groups, and the id of a process that has ended can be another's by now.
    if (Deno.build.os !== "windows") signalGroup(child.pid, "SIGKILL");
    options.onExit?.(child.pid);
    await settlesWithin(Promise.all([stdout.ended, stderr.ended]), LAST_WORDS_MS);
    stdout.cancel();
    stderr.cancel();
    stderrTail.end();
    await settlesWithin(writer.close(), LAST_WORDS_MS);
    events.onEnd({ how: describeEnd(status), stderr: stderrTail.text });
  }

  async function close(grace: CloseGrace): Promise<void> {
    // Not awaited: a server that does not read would hold the close for ever.
    const closed = writer.close();
    if (!(await settlesWithin(ended, grace.eofMs))) await endByForce(grace);
    await ended;
    // A grandchild that left the group may hold the other end, and never read.
    await settlesWithin(closed, LAST_WORDS_MS);
  }

  async function endByForce({ termMs }: CloseGrace): Promise<void> {
    // Once it is gone, the id of its group can be another's.
    if (!exited) signalGroup(child.pid, "SIGTERM");
    if (await settlesWithin(child.status, termMs)) return;
    signalGroup(child.pid, "SIGKILL");
  }
}

function spawn(options: StdioWireOptions) {
  const { command, args, env, cwd, server } = options;
  try {
    const file = programFile(command, { path: env.PATH, pathExt: env.PATHEXT, cwd });
    return new Deno.Command(file, {
      args: [...args],
      cwd,
      env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A session and process group of its own, so that the whole group can be ended.
      detached: true,
    }).spawn();
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      "upstream_unavailable",
      `Cannot start server ${JSON.stringify(server)}: the command ${JSON.stringify(command)} ` +
        `cannot be run (${detail}); check "command" and "cwd" of this server in config.json, and ` +
        "the PATH",
      { server, detail, cause },
    );
  }
}

/** Reads a stream to its end through one reused buffer. */
function drain(
  stream: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): { ended: Promise<void>; cancel(): void } {
  const reader = stream.getReader({ mode: "byob" });
  return { ended: read(), cancel };

  async function read(): Promise<void> {
    let buffer = new ArrayBuffer(READ_BUFFER);
    while (true) {
      // A pipe that breaks has ended; how the process ended is told by its status.
      const next = await reader.read(new Uint8Array(buffer)).catch(() => undefined);
      if (next === undefined || next.done) return;
      onChunk(next.value);
      buffer = next.value.buffer;
    }
  }

  function cancel(): void {
    // Rejects only when the stream broke before, which is an end as well.
    reader.cancel().catch(() => {});
  }
}

function describeEnd(status: Deno.CommandStatus): string {
  return status.signal === null
    ? `exited with code ${status.code}`
    : `was ended by ${status.signal}`;
}
