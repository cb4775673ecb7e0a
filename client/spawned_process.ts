/**
 * A server's process as the SDK needs it, and the usual way to start one.
 *
 * {@linkcode SpawnedProcess} is the hook for programs that must start processes in another way. One
 * case is known: in a program compiled by `deno compile`, `node:child_process` rewrites the arguments
 * of `spawn(Deno.execPath())` and can fork without end, so that such a program starts itself through
 * `Deno.Command` and passes the process in.
 *
 * Not guaranteed: that grandchildren end. A server that is started through a launcher (`npx`) ends
 * because its stdin ends; signals reach only the launcher.
 *
 * @module
 */

import { nodesProcess, platformName } from "../platform/runtime.ts";
import { settlesWithin } from "../protocol/deadline.ts";
import { childEnvironment } from "./defaults.ts";
import type { WindowsProgram } from "./windows_program.ts";

/** What to start: an MCP server that speaks newline-delimited JSON-RPC on stdin and stdout. */
export interface SpawnSpec {
  /** Program; looked up in PATH. No shell is involved. */
  command: string;
  /** @default {[]} */
  args?: readonly string[];
  /** Added to a small allow-list of the own environment (HOME, PATH, proxies, certificates …). */
  env?: Readonly<Record<string, string>>;
  /** Folder to start in. Defaults to the current one. */
  cwd?: string;
}

/** How a process ended. */
export interface ProcessExit {
  /** Exit code; null or absent when a signal ended it. */
  code?: number | null;
  /** Name of the signal that ended it; null or absent when it exited. */
  signal?: string | null;
}

/** A process that was started already. See docs/sdk.md for one made with `Deno.Command`. */
export interface SpawnedProcess {
  readonly stdin: {
    /** Writes UTF-8, in the order of the calls. Rejects when the process no longer reads. */
    write(text: string): Promise<unknown>;
    /** Ends stdin after what was written. */
    end(): Promise<unknown> | void;
  };
  /** Must end soon after the process has. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Must end soon after the process has. */
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when the process has ended. */
  readonly exit: Promise<ProcessExit>;
  /** Does nothing when the process has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Lets the own process stay alive because of this one: called before a call is sent. */
  ref?(): void;
  /** Lets the own process end in spite of this one: called when no call is in flight. */
  unref?(): void;
}

/** Milliseconds that a dead process's pipes may stay open because a grandchild holds them. */
const LAST_WORDS_MS = 250;

/**
 * Starts a process through `node:child_process`. stdin, stdout and stderr are pipes.
 *
 * @throws {Error} of `node:child_process` when it cannot be started (`code` is `ENOENT`, `EACCES` …).
 */
export async function spawnProcess(spec: SpawnSpec): Promise<SpawnedProcess> {
  // Loaded only here: it costs milliseconds that a client of the daemon need not pay.
  const { spawn } = await import("node:child_process");
  const env = childEnvironment(spec.env);
  const { file, args, windowsVerbatimArguments } = await programOf(spec, env);
  const child = spawn(file, args, {
    cwd: spec.cwd,
    env,
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    windowsVerbatimArguments,
  });
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const { stdin, stdout, stderr } = child;
  // Each failed write is told through its own callback; without a listener it would also be thrown.
  stdin.on("error", () => {});
  // A message that could not be sent, an abort: this module causes neither, and `exit` tells the rest.
  child.on("error", () => {});
  const pipes = [stdin, stdout, stderr] as unknown as { ref?(): void; unref?(): void }[];
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const exit = new Promise<ProcessExit>((resolve) => {
    child.once("exit", async (code, signal) => {
      resolve({ code, signal });
      if (await settlesWithin(closed, LAST_WORDS_MS)) return;
      stdout.destroy();
      stderr.destroy();
    });
  });
  return {
    stdin: {
      write: (text) =>
        new Promise<void>((resolve, reject) => {
          stdin.write(text, (error) => error ? reject(error) : resolve());
        }),
      end: () => void stdin.end(),
    },
    stdout,
    stderr,
    exit,
    kill(signal) {
      // Not child.kill(): on Deno 2.9.6 it sends nothing the second time. Until the exit is seen, the
      // process id is still this child's.
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        nodesProcess().kill(child.pid, signal);
      } catch (error) {
        if ((error as { code?: string }).code !== "ESRCH") throw error;
      }
    },
    // Bun has no ref and unref on some pipes; there the child's own is enough.
    ref() {
      child.ref();
      for (const pipe of pipes) pipe.ref?.();
    },
    unref() {
      child.unref();
      for (const pipe of pipes) pipe.unref?.();
    },
  };
}

/** Windows finds no `npx`, and Node starts no `npx.cmd`; other systems look for a command themselves. */
async function programOf(
  { command, args = [], cwd = nodesProcess().cwd() }: SpawnSpec,
  env: Record<string, string>,
): Promise<WindowsProgram> {
  if (platformName() !== "win32") {
    return { file: command, args: [...args], windowsVerbatimArguments: false };
  }
  const { statSync } = await import("node:fs");
  const { windowsProgram } = await import("./windows_program.ts");
  const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return windowsProgram({ command, args, cwd, env, isFile });
}
