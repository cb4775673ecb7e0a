/**
 * Finding one's part in a service: whoever gets the lock serves, everyone else registers with the one
 * who has it.
 *
 * Guarantees: at most one process per folder serves; the token is shown to nobody who has not proved to
 * know it; what cannot succeed ends with a {@linkcode DaemonProblem} in time.
 *
 * @module
 */

import { ensurePrivateFolder, FolderNotPrivate } from "../../platform/private_folder.ts";
import { dialAddress } from "../daemon/listen.ts";
import { type HeldLock, isLocked, tryLock } from "../daemon/lock.ts";
import { DaemonProblem } from "../daemon/problem.ts";
import { readToken } from "../daemon/token.ts";
import { readAnnouncement, REVISION } from "./announcement.ts";
import { identify } from "./identify.ts";
import { PortTaken } from "./listener.ts";
import { serve, type ServeOptions } from "./main_process.ts";
import { pause } from "./pause.ts";
import { register } from "./registration.ts";
import type { Role } from "./role.ts";

/** How to take part. */
export interface TakePartOptions extends ServeOptions {
  /** Whether this process may serve; otherwise it waits for one that does. */
  mayServe: boolean;
  /** Milliseconds that everything may take. */
  deadlineMs: number;
  /** Gives up. */
  signal: AbortSignal;
  /** Between 0 and 1. */
  random(): number;
}

/** Milliseconds that one who holds the lock may be silent before it counts as hung. */
const SILENCE_MS = 7_000;

/** Milliseconds for one answer. */
const ANSWER_MS = 2_000;

/**
 * Milliseconds that a port may stay taken: the kernel frees the lock of a killed process a moment
 * before it closes its port.
 */
const PORT_MS = 1_000;

/** What one attempt to register came to. */
type Attempt =
  | { kind: "registered"; role: Role }
  /** There is a server, and it is about to end. */
  | { kind: "draining"; pid: number }
  /** Nobody proved to be the server. */
  | { kind: "silent"; why: string; who: string };

/**
 * Takes part.
 *
 * @throws {DaemonProblem} when it cannot; the signal's reason when it was aborted.
 */
export async function takePart(options: TakePartOptions): Promise<Role> {
  const { paths, clock, deadlineMs, mayServe, signal, random } = options;
  const end = clock.now() + deadlineMs;
  let silentSince: number | undefined;
  let rest = 20;
  for (;;) {
    signal.throwIfAborted();
    prepareFolder(options);
    if (mayServe) {
      const role = await serveIfFirst(options);
      if (role !== undefined) return role;
    }
    const asked = clock.now();
    const attempt = await tryRegister(options);
    if (attempt.kind === "registered") return attempt.role;
    if (attempt.kind === "silent" && isLocked(paths.lock)) {
      silentSince ??= asked;
      if (clock.now() - silentSince >= SILENCE_MS) throw hung(options, attempt);
    } else {
      silentSince = undefined;
    }
    if (clock.now() >= end) throw tooLong(options, attempt);
    await pause(clock, rest * (0.5 + random()), signal);
    rest = Math.min(rest * 1.5, 200);
  }
}

function prepareFolder({ paths }: TakePartOptions): void {
  try {
    ensurePrivateFolder(paths.folder);
  } catch (error) {
    if (error instanceof FolderNotPrivate) throw new DaemonProblem(error.message, { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaemonProblem(
      `Cannot make the folder ${paths.folder}: ${reason}. Choose another 'daemonDir'.`,
      { cause: error },
    );
  }
}

/** Serves when the lock is free; undefined when it is not. */
async function serveIfFirst(options: TakePartOptions): Promise<Role | undefined> {
  const lock = tryLock(options.paths.lock);
  if (lock === undefined) return undefined;
  let kept = false;
  try {
    // Deleted between our opening it and our locking it: it excludes nobody.
    if (!lock.isInPlace()) return undefined;
    const role = await serveOrJoin(options, lock);
    kept = role.isMainProcess;
    return role;
  } finally {
    if (!kept) lock[Symbol.dispose]();
  }
}

/**
 * Serves, or registers with the one who has the port: a server of this folder whose lock file was
 * deleted under it.
 */
async function serveOrJoin(options: TakePartOptions, lock: HeldLock): Promise<Role> {
  const { clock, host, port, paths, signal } = options;
  const url = `http://${dialAddress(host, port)}`;
  const end = clock.now() + PORT_MS;
  for (;;) {
    try {
      return await serve(options, lock);
    } catch (error) {
      if (!(error instanceof PortTaken)) throw cannotListen(options, error);
      const token = readToken(paths.token);
      const occupant = await identify({ url, token, timeoutMs: ANSWER_MS });
      if (occupant.ours && token !== undefined) {
        const role = await register({ url, pid: occupant.pid, token, clock });
        if (role !== undefined) return role;
      }
      if (clock.now() >= end) throw portTaken(options, occupant.ours ? "" : occupant.why);
      await pause(clock, 20, signal);
      signal.throwIfAborted();
    }
  }
}

/** Registers with the server that is announced, if there is one and it proves itself. */
async function tryRegister({ paths, clock }: TakePartOptions): Promise<Attempt> {
  const announced = readAnnouncement(paths.announcement);
  if (announced === undefined) {
    return { kind: "silent", why: "it has not said where it listens", who: "Another process" };
  }
  const { url, instanceId, pid } = announced;
  const who = `Process ${pid}`;
  const token = readToken(paths.token);
  const answer = await identify({ url, token, instanceId, timeoutMs: ANSWER_MS });
  if (!answer.ours || token === undefined) {
    return { kind: "silent", why: answer.ours ? "its token is gone" : answer.why, who };
  }
  if (answer.revision !== REVISION) {
    throw new DaemonProblem(
      `Cannot register with the daemon at ${url} (process ${pid}): it speaks revision ` +
        `${answer.revision} and this program ${REVISION}. End it, then start again.`,
    );
  }
  if (answer.draining) return { kind: "draining", pid };
  const role = await register({ url, pid, token, clock });
  return role === undefined ? { kind: "draining", pid } : { kind: "registered", role };
}

function hung({ paths }: TakePartOptions, { why, who }: Attempt & { kind: "silent" }) {
  return new DaemonProblem(
    `Cannot start: the daemon hangs. ${who} holds ${paths.lock}, but ${why}. ` +
      "End that process, then start again.",
  );
}

function tooLong(
  { deadlineMs, paths, mayServe }: TakePartOptions,
  attempt: Exclude<Attempt, { kind: "registered" }>,
) {
  const what = attempt.kind === "draining"
    ? `process ${attempt.pid} is still ending`
    : mayServe
    ? `another process is still starting (${paths.lock} is held)`
    : "no process serves";
  return new DaemonProblem(`Cannot start within ${deadlineMs} ms: ${what}. Try again.`);
}

function portTaken({ host, port }: TakePartOptions, why: string) {
  const detail = why === "" ? "its server is ending and does not leave" : why;
  return new DaemonProblem(
    `Cannot listen on ${dialAddress(host, port)}: the port is in use, and ${detail}. ` +
      "Choose another 'port', or end that program.",
  );
}

function cannotListen({ host, port, paths }: TakePartOptions, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error);
  return new DaemonProblem(
    `Cannot listen on ${dialAddress(host, port)} or write to ${paths.folder}: ${reason}. ` +
      "Choose another 'host', 'port' or 'daemonDir'.",
    { cause: error },
  );
}
