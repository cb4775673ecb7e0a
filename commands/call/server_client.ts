/**
 * A client of one server (or of all of them) for a command: over the daemon when it runs; a built-in
 * server is run by ourselves when it does not, and for any other one the daemon is started where
 * `AICHAKU_AUTOSTART` allows it.
 *
 * @module
 */

import { AichakuClient, AichakuError } from "../../client/mod.ts";
import { VERSION } from "../../protocol/version.ts";
import { isBuiltinName } from "../../server/builtin/mod.ts";
import { DaemonProblem } from "../../server/daemon/problem.ts";
import { type CommandContext, EXIT } from "../context.ts";
import { spawnBuiltin } from "../review/spawn_self.ts";
import { unlessToldToEnd } from "../told_to_end.ts";
import { shown } from "./print.ts";

/** What a command wants of its server. */
export interface ServerOptions {
  /** Its name; all servers of the daemon without one. */
  server: string | undefined;
  /** Absolute path of the folder that is worked on. */
  project: string | undefined;
  /** Milliseconds for one call. */
  timeoutMs: number;
}

/** A client that does not connect yet. @throws {TypeError} when the name cannot be one of a server. */
export function serverClient(
  { server, project, timeoutMs }: ServerOptions,
  { env, self, cwd }: CommandContext,
): AichakuClient {
  const isBuiltin = server !== undefined && isBuiltinName(server);
  return new AichakuClient({
    server,
    project,
    timeoutMs,
    mode: isBuiltin ? "auto" : "daemon",
    home: env.home,
    token: env.token,
    // By `reach`, which needs no program on the PATH.
    autoStart: false,
    clientInfo: { name: "aichaku-call", version: VERSION },
    ...(isBuiltin ? { spawn: () => spawnBuiltin(server, self, cwd) } : {}),
  });
}

/**
 * Does `work` with a client; where there is no daemon and one may be started, with the started one.
 *
 * The session ends with the work, also when the process is told to end.
 *
 * @throws {AichakuError}
 * @throws {ToldToEnd}
 */
export async function withServer<T>(
  options: ServerOptions,
  context: CommandContext,
  work: (client: AichakuClient) => Promise<T>,
): Promise<T> {
  await using client = serverClient(options, context);
  return await unlessToldToEnd(async () => {
    await connect(client, context);
    return await work(client);
  });
}

async function connect(client: AichakuClient, context: CommandContext): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    const mayStart = error instanceof AichakuError && error.kind === "not_running" &&
      context.env.autostart;
    if (!mayStart) throw error;
    // Loaded only here: a call of a daemon that runs needs none of what starts one.
    const { startDetached } = await import("../mcp/start.ts");
    await startDetached({ settings: {}, autostarted: true }, context);
  }
}

/** What went wrong, told to the user. Returns the exit code; throws what is no failure of the call. */
export function tellFailure(command: string, error: unknown, context: CommandContext): number {
  if (error instanceof DaemonProblem) {
    context.stderr(`${error.message}\n`);
    return EXIT.failed;
  }
  if (!(error instanceof AichakuError)) throw error;
  // In a server's own words, which must not move the cursor.
  const tell = (text: string) =>
    context.stderr(`${context.isErrorTerminal ? shown(text) : text}\n`);
  tell(`${command}: ${error.message}`);
  const detail = furtherDetail(error);
  if (detail !== "") tell(detail);
  return error.kind === "not_running" ? EXIT.notRunning : EXIT.failed;
}

/** What the daemon says beside the message: its lines without those that the message holds already. */
function furtherDetail({ message, data }: AichakuError): string {
  if (typeof data !== "object" || data === null || !("detail" in data)) return "";
  const { detail } = data;
  if (typeof detail !== "string") return detail === undefined ? "" : JSON.stringify(detail);
  return detail.split("\n").filter((line) => !message.includes(line)).join("\n");
}
