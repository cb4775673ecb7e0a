/**
 * Is a daemon running for this home, and is it really ours? Looks, asks once, and never starts, waits
 * for or changes anything.
 *
 * Guarantees: an answer within the deadline; `found` only when whoever answers at the announced address
 * knows the token of this home and is the announced instance. A program that took the port and answers
 * 200 is not a daemon, and is not sent the token.
 *
 * @module
 */

import { machineId, nodeMachineFacts } from "../platform/machine_id.ts";
import { homePaths } from "../platform/paths.ts";
import { deno, readTextFile } from "../platform/runtime.ts";
import {
  addressOf,
  type Announcement,
  newNonce,
  parseAnnouncement,
  verifyHealthProof,
} from "../protocol/identity.ts";
import { DAEMON_PROTOCOL } from "../protocol/version.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import { messageOf } from "./errors.ts";
import { loopbackFetch } from "./loopback_fetch.ts";
import { onAbort } from "./on_abort.ts";
import { raceSignal } from "./scope.ts";

/** Options of {@linkcode findDaemon}. */
export interface FindOptions {
  /** `$AICHAKU_HOME`. */
  home: string;
  /**
   * Base URL of a daemon to ask instead of the announced one. Its identity is proved only when `token`
   * is given: the token file belongs to the daemon of `home`, not to this one.
   */
  url?: string;
  /** Used instead of the token file. */
  token?: string;
  /** Milliseconds for everything. @default {1000} */
  deadlineMs?: number;
  /** Ends the search; its reason is thrown. */
  signal?: AbortSignal;
  /** Replaced in tests. */
  fetch?: typeof fetch;
}

/** A daemon that answered and proved who it is. */
export interface FoundDaemon {
  found: true;
  /** Base URL, without a slash at the end. */
  url: string;
  /** Undefined when `url` was given without a token. */
  token: string | undefined;
  instanceId: string;
}

/** No daemon, and why, as part of a sentence. */
export interface NoDaemon {
  found: false;
  why: string;
  /** Whoever is there did not answer in time: a daemon that hangs, or one on a very busy machine. */
  isSilent?: true;
}

const DEFAULT_DEADLINE_MS = 1000;
/** Milliseconds by which a timer is late on a process that was busy or stopped. */
const LATE_MS = 100;

/** Looks for the daemon. Throws only `signal`'s reason. */
export async function findDaemon(options: FindOptions): Promise<FoundDaemon | NoDaemon> {
  const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = onAbort(signal, () => controller.abort(signal?.reason));
  const begin = performance.now();
  let isSilent = false;
  const giveUp = () => {
    isSilent = true;
    controller.abort(new Error(`no answer within ${deadlineMs} ms`));
  };
  let timer = setTimeout(() => {
    // This process did not run for a while; the answer may be there, unread.
    const isLate = performance.now() - begin > deadlineMs + LATE_MS;
    if (isLate) timer = setTimeout(giveUp, deadlineMs);
    else giveUp();
  }, deadlineMs);
  try {
    return await raceSignal(search(options, controller.signal), controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    return { found: false, why: messageOf(error), ...(isSilent ? { isSilent } : {}) };
  } finally {
    clearTimeout(timer);
    stop();
  }
}

async function search(options: FindOptions, signal: AbortSignal): Promise<FoundDaemon | NoDaemon> {
  if (options.url !== undefined) {
    const { url, token } = options;
    return await ask({ url, token, instanceId: undefined }, options, signal);
  }
  const paths = homePaths(options.home, await thisMachine());
  const text = await readText(paths.daemonJson);
  if (text === undefined) return no(`${paths.daemonJson} does not exist`);
  const announcement = parseAnnouncement(text);
  if (announcement === undefined) return no(`${paths.daemonJson} is not an announcement`);
  const refusal = reasonNotToDial(announcement);
  if (refusal !== undefined) return no(refusal);
  const token = options.token ?? (await readText(paths.tokenFile))?.trim();
  if (!token) return no(`its token ${paths.tokenFile} cannot be read, so it cannot prove itself`);
  return await ask({ ...announcement, token }, options, signal);
}

/** Why the announced daemon is none for us; undefined when it may be dialed. */
function reasonNotToDial({ url, protocol, version }: Announcement): string | undefined {
  // A name can mean another address than the one the daemon listens on: `localhost` is `::1` first on
  // many systems, and somebody else may hold the port there.
  // A URL takes nothing else in brackets, and nothing else that ends with a number (WHATWG URL).
  if (!/^\[|\.\d+$/.test(new URL(url).hostname)) {
    return `it announces ${url}, which is not a literal address`;
  }
  if (protocol.min > DAEMON_PROTOCOL.max || protocol.max < DAEMON_PROTOCOL.min) {
    return `the daemon that runs is version ${version}, which this SDK does not speak with; ` +
      `restart it with "aichaku mcp --restart-server"`;
  }
  return undefined;
}

interface Candidate {
  url: string;
  token: string | undefined;
  /** What the announcement says; undefined when there is none to compare with. */
  instanceId: string | undefined;
}

async function ask(
  { url, token, instanceId: announced }: Candidate,
  options: FindOptions,
  signal: AbortSignal,
): Promise<FoundDaemon | NoDaemon> {
  const nonce = newNonce();
  const health = await readHealth(
    `${url}/health?nonce=${nonce}`,
    options.fetch ?? loopbackFetch(url),
    signal,
  );
  if (typeof health === "string") return no(`${url} ${health}`);
  const { instanceId } = health;
  if (typeof instanceId !== "string" || (announced !== undefined && instanceId !== announced)) {
    return no(`another program than the announced daemon answers at ${url}`);
  }
  if (token !== undefined) {
    const address = addressOf(url);
    if (address === undefined) return no(`${url} is not an http: address`);
    if (!(await verifyHealthProof(health.proof, { token, nonce, instanceId, address }))) {
      return no(`the program that answers at ${url} cannot prove that it is the daemon`);
    }
  }
  return { found: true, url, token, instanceId };
}

/** The answer of `/health`, or what is wrong with it. */
async function readHealth(
  url: string,
  fetchHealth: typeof fetch,
  signal: AbortSignal,
): Promise<JsonObject | string> {
  let response: Response;
  try {
    // Redirects are not followed: the daemon sends none.
    response = await fetchHealth(url, { signal, redirect: "manual" });
  } catch (error) {
    // Deno without the permission to connect says so; that is no statement about the daemon.
    if (signal.aborted || (error as Error).name === "NotCapable") throw error;
    return "does not answer";
  }
  if (!response.ok) {
    await response.body?.cancel();
    return `answers with status ${response.status}`;
  }
  const body = await readBounded(response, 1024 * 1024);
  try {
    const health: unknown = JSON.parse(body);
    if (isObject(health)) return health;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return "answers something else than a daemon";
}

/** The body's text; cut off where it is longer: a stranger may send without end. */
async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  if (response.body === null) return text;
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return text;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw new Error(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

let machine: string | undefined;

/** Asked once per process: on macOS and Windows it runs a program. */
async function thisMachine(): Promise<string> {
  return machine ??= machineId(deno === undefined ? await nodeMachineFacts() : undefined);
}

function no(why: string): NoDaemon {
  return { found: false, why };
}
