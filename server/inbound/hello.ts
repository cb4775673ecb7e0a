/**
 * The first line of a connection by lines: `{"aichaku":{"server":"…","project":"…","token":"…"}}`. It
 * says what an HTTP client says by path and headers. Every part is optional, the line itself as well; only
 * on TCP, where everybody on the machine can connect, it must be there and carry the token.
 *
 * With `"session":"…"` it takes up a session that began over Streamable HTTP, which goes on when the
 * connection ends. Such a connection is told two things in the same form: that the session was found,
 * before anything else; and, at an end that the daemon wants, that what has no answer was not begun.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isObject, parseJson } from "../../protocol/json.ts";
import { equalInConstantTime } from "./guard.ts";

/** What a first line says. */
export interface Hello {
  /** Name of a server; undefined for all together. */
  server?: string;
  /** Absolute folder of the client's project. */
  project?: string;
  /** Id of the session, begun over Streamable HTTP, whose messages these are. */
  session?: string;
}

/** What is asked of a connection. */
export interface Gate {
  token: string;
  /** Whether nobody is served who does not say it. */
  required: boolean;
}

const KEYS = ["server", "project", "token", "session"] as const;

/**
 * The session that the first line named was found: what comes from now on is of it.
 *
 * @param maxBytes Longest message that this connection takes; a longer one would end it.
 */
export function sessionFound(maxBytes: number): string {
  return `{"aichaku":{"session":"found","maxBytes":${maxBytes}}}`;
}

/** The daemon ends the connection to a session, and has answered whatever it took of it. */
export const UNANSWERED = `{"aichaku":{"unanswered":"not begun"}}`;

const EXAMPLE = `{"aichaku":{"server":"NAME","token":"TOKEN"}}`;

/**
 * Reads a first line.
 *
 * @returns undefined when it is something else: a message.
 * @throws {Fault} `not_permitted` when the token is missing or wrong; `invalid_request` when the line
 * says something that is not understood.
 */
export function readHello(line: string, gate: Gate): Hello | undefined {
  const said = contentOf(line);
  if (said === undefined) {
    if (gate.required) throw tokenMissing();
    return undefined;
  }
  if (!isObject(said)) throw wrong(`"aichaku" must be an object`);
  const unknown = Object.keys(said).find((key) => !(KEYS as readonly string[]).includes(key));
  // Before the rest: whoever has no token learns nothing but that.
  checkToken(said.token, gate);
  if (unknown !== undefined) {
    throw wrong(`${JSON.stringify(unknown.slice(0, 40))} is none of ${KEYS.join(", ")}`);
  }
  const server = text(said, "server");
  const project = text(said, "project");
  const session = text(said, "session");
  return session === undefined ? { server, project } : { server, project, session };
}

function contentOf(line: string): unknown {
  // A message has no such word but in its content: nothing is parsed for it.
  if (!line.includes(`"aichaku"`)) return undefined;
  try {
    const value = parseJson(line);
    return isObject(value) && Object.keys(value).length === 1 ? value.aichaku : undefined;
  } catch {
    return undefined; // Not JSON: whoever reads it as a message says so.
  }
}

function checkToken(token: unknown, gate: Gate): void {
  if (token === undefined && !gate.required) return;
  if (token === undefined) throw tokenMissing();
  if (typeof token === "string" && equalInConstantTime(token, gate.token)) return;
  throw refused("the token is wrong");
}

/** The fault of whoever says anything else where the token must come first. */
export function tokenMissing(): Fault {
  return refused("the first line must carry the daemon's token");
}

function refused(why: string): Fault {
  return new Fault(
    "not_permitted",
    `Refused: ${why}; send ${EXAMPLE} first (the token is in the file named token in the daemon's ` +
      `run folder)`,
    { status: 401 },
  );
}

function wrong(why: string): Fault {
  return new Fault("invalid_request", `Cannot read the first line: ${why}; send ${EXAMPLE}`);
}

function text(said: Record<string, unknown>, key: (typeof KEYS)[number]): string | undefined {
  const value = said[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw wrong(`"${key}" must be a text`);
}
