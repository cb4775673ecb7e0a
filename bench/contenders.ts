/**
 * Who is compared. Each is started here as its own process, and ended when the bench is over.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { Child, run } from "../scripts/lib/child.ts";
import { cacheFolder, denoRun } from "../scripts/lib/project.ts";
import { type Task, TaskProblem } from "../scripts/lib/task.ts";
import { DaemonFixture } from "../tests/fixtures/daemon.ts";
import { beginSession, freePort, listening, type Target } from "./target.ts";

/** A program that can be started. */
export interface Contender {
  name: string;
  /** For the reader of the results. */
  about: string;
  start(task: Task, echo: string): Promise<Target>;
}

const SUPERGATEWAY = "supergateway@4.0.0";

/** Milliseconds that a contender may take to listen. */
const START_MS = 30_000;

/** Milliseconds that npm may take to install one. */
const INSTALL_MS = 180_000;

/** All of them, in the order in which they take their turns. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "bare",
    about: "a `Deno.serve` that parses the call and answers it itself",
    async start({ stack, signal }) {
      const child = stack.use(
        new Child({ command: Deno.execPath(), args: denoRun("bench/bare.ts") }),
      );
      const [, url] = await child.says(/"url":"([^"]+)"/, { signal, ms: START_MS });
      return { name: "bare", url, headers: {}, pid: child.pid };
    },
  },
  {
    name: "aichaku",
    about: "the daemon, one shared echo server, all its features on",
    async start({ stack, signal }, echo) {
      const daemon = stack.use(
        await DaemonFixture.start({ config: { mcpServers: { echo: { command: echo } } } }),
      );
      const url = `${daemon.url}/mcp/echo`;
      return { name: "aichaku", url, headers: await beginSession(url, signal), pid: daemon.pid };
    },
  },
  {
    name: "supergateway",
    about: `\`${SUPERGATEWAY} --stateful\`, one echo server for its one session`,
    async start({ stack, signal }, echo) {
      const port = freePort();
      const args = [
        await installed(SUPERGATEWAY, "dist/index.js", signal),
        ...["--stdio", echo, "--outputTransport", "streamableHttp", "--stateful"],
        ...["--port", String(port), "--logLevel", "none"],
      ];
      const child = stack.use(new Child({ command: "node", args }));
      await listening(port, signal, START_MS);
      const url = `http://127.0.0.1:${port}/mcp`;
      return {
        name: "supergateway",
        url,
        headers: await beginSession(url, signal),
        pid: child.pid,
      };
    },
  },
];

/** The echo server, compiled when its source has changed. */
export async function compileEcho(signal: AbortSignal): Promise<string> {
  const source = fromFileUrl(import.meta.resolve("./echo.c"));
  const folder = await cacheFolder("bench");
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(source));
  const program = join(folder, `echo-${new Uint8Array(hash).toHex().slice(0, 16)}`);
  if (await exists(program)) return program;
  // Under another name first: an interrupted compiler must leave nothing that looks finished.
  const args = ["-O2", "-o", `${program}.new`, source];
  try {
    const { code, stderr } = await run({ command: "cc", args }, { signal, ms: 60_000 });
    if (code !== 0) throw new TaskProblem(`cc cannot compile ${source}:\n${stderr}`);
  } catch (error) {
    if (!(error instanceof TaskProblem) || error.cause === undefined) throw error;
    throw new TaskProblem(
      "The echo server behind the contenders is in C, and there is no cc. Debian and Ubuntu: " +
        "apt-get install gcc; macOS: xcode-select --install",
      { cause: error },
    );
  }
  await Deno.rename(`${program}.new`, program);
  return program;
}

/**
 * Path of a file in an npm package, which is installed into the cache first. Not run through `npx`: that
 * would put two more processes between us and the one to measure.
 */
async function installed(spec: string, file: string, signal: AbortSignal): Promise<string> {
  const folder = join(await cacheFolder("bench"), spec);
  const path = join(folder, "node_modules", spec.slice(0, spec.lastIndexOf("@")), file);
  if (await exists(path)) return path;
  const args = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder, spec];
  const { code, stderr } = await run({ command: "npm", args }, { signal, ms: INSTALL_MS });
  if (code !== 0) throw new TaskProblem(`npm cannot install ${spec}:\n${stderr}`);
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
