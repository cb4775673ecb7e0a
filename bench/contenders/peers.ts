/**
 * Other programs that put an MCP server of stdio behind HTTP. Each is installed from npm, at the version
 * that stands here, and started as its documentation says, with its log off where it can be.
 *
 * @module
 */

import { join } from "@std/path";
import { Child, run } from "../../scripts/lib/child.ts";
import { temporaryFolder } from "../../scripts/lib/project.ts";
import { type Task, TaskProblem } from "../../scripts/lib/task.ts";
import { installed } from "../programs.ts";
import { subject } from "../request.ts";
import { beginSession, freePort, listening } from "../session.ts";
import { httpTarget } from "../target.ts";
import type { Contender } from "./mod.ts";

/** Milliseconds that one may take to listen. */
const START_MS = 30_000;

const KIB = 1024;

export const SUPERGATEWAY: Contender = {
  name: "supergateway",
  about: "`supergateway@4.0.0 --stateful`, one echo server for its one session; 100 KiB at most",
  async start({ stack, signal }, { echo }) {
    const port = freePort();
    const program = await installed("supergateway@4.0.0", "dist/index.js", signal);
    const args = [
      ...[program, "--stdio", echo, "--outputTransport", "streamableHttp", "--stateful"],
      ...["--port", String(port), "--logLevel", "none"],
    ];
    const { pid } = stack.use(new Child({ command: "node", args }));
    await listening(port, signal, START_MS);
    const url = `http://127.0.0.1:${port}/mcp`;
    const headers = await beginSession(url, signal);
    return httpTarget({
      ...{ name: "supergateway", pid, places: [{ url, headers }] },
      takes: ({ bytes }) => bytes <= 64 * KIB,
    });
  },
};

export const MCP_PROXY: Contender = {
  name: "mcp-proxy",
  about: "`mcp-proxy@6.7.19 --server stream` (the one of npm)",
  async start({ stack, signal }, { echo }) {
    const port = freePort();
    const program = await installed("mcp-proxy@6.7.19", "dist/bin/mcp-proxy.mjs", signal);
    const args = [
      ...[program, "--host", "127.0.0.1", "--port", String(port), "--server", "stream"],
      ...["--", echo],
    ];
    const { pid } = stack.use(new Child({ command: "node", args }));
    await listening(port, signal, START_MS);
    const url = `http://127.0.0.1:${port}/mcp`;
    const headers = await beginSession(url, signal);
    return httpTarget({ name: "mcp-proxy", pid, places: [{ url, headers }] });
  },
};

export const MCP_HUB: Contender = {
  name: "mcp-hub",
  about:
    "`mcp-hub@4.2.1`, its REST interface, which is no MCP: no session, no JSON-RPC, and 100 KiB " +
    "at most",
  async start(task, { echo }) {
    const { stack, signal } = task;
    const port = freePort();
    const program = await installed("mcp-hub@4.2.1", "dist/cli.js", signal);
    const { path, env } = await home(task);
    const config = join(path, "config.json");
    await Deno.writeTextFile(config, JSON.stringify({ mcpServers: { echo: { command: echo } } }));
    const args = [program, "--port", String(port), "--config", config];
    const { pid } = stack.use(new Child({ command: "node", args, env }));
    await listening(port, signal, START_MS);
    return httpTarget({
      name: "mcp-hub",
      pid,
      places: [{ url: `http://127.0.0.1:${port}/api/servers/tools`, headers: {} }],
      body: (load) => {
        const { name, arguments: args } = JSON.parse(`{${subject(load)}}`);
        return JSON.stringify({ server_name: "echo", tool: name, arguments: args });
      },
      takes: ({ bytes }) => bytes <= 64 * KIB,
    });
  },
};

export const MCPORTER: Contender = {
  name: "mcporter",
  about: "`mcporter@0.12.3 serve --http`, its daemon with the echo server behind it",
  async start(task, { echo }) {
    const { stack, signal } = task;
    const port = freePort();
    const { program, args, env, daemons } = await mcporter(task, { echo: { command: echo } });
    const serve = [...args, "serve", "--http", String(port)];
    const child = stack.use(new Child({ command: program, args: serve, env }));
    await listening(port, signal, START_MS);
    const url = `http://127.0.0.1:${port}/mcp/echo`;
    const headers = await beginSession(url, signal);
    return httpTarget({
      name: "mcporter",
      pid: child.pid,
      others: daemons,
      places: [{ url, headers }],
    });
  },
};

/** A home for a peer that writes into its user's. */
async function home({ stack }: Task): Promise<{ path: string; env: Record<string, string> }> {
  const { path } = stack.use(await temporaryFolder());
  const variables = [
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
  ];
  return { path, env: Object.fromEntries(variables.map((name) => [name, path])) };
}

/** How mcporter is run with a configuration of its own. */
export interface Mcporter {
  program: string;
  /** Its first arguments. */
  args: string[];
  env: Record<string, string>;
  /** Its daemon, which is nobody's child; empty while there is none. */
  daemons(): Promise<number[]>;
}

/** mcporter with servers that its daemon keeps; the daemon is ended with the task. */
export async function mcporter(
  task: Task,
  servers: Record<string, { command: string; args?: string[] }>,
): Promise<Mcporter> {
  const file = await installed("mcporter@0.12.3", "dist/cli.js", task.signal);
  const { path, env } = await home(task);
  const config = join(path, "mcporter.json");
  const mcpServers = Object.fromEntries(
    Object.entries(servers).map((
      [name, entry],
    ) => [name, { ...entry, lifecycle: "keep-alive" }]),
  );
  await Deno.writeTextFile(config, JSON.stringify({ mcpServers }));
  const args = [file, "--config", config];
  const daemon = async (action: "start" | "stop", signal: AbortSignal) => {
    const end = { signal, ms: 20_000 };
    const { code, stderr } = await run(
      { command: "node", args: [...args, "daemon", action], env },
      end,
    );
    if (code !== 0) throw new TaskProblem(`mcporter daemon ${action} failed:\n${stderr}`);
  };
  // Also when the task was interrupted.
  task.stack.defer(() => daemon("stop", new AbortController().signal));
  await daemon("start", task.signal);
  return { program: "node", args, env, daemons: () => daemonsOf(path) };
}

async function daemonsOf(home: string): Promise<number[]> {
  const folder = join(home, "mcporter", "daemon");
  const pids: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".json")) continue;
    const { pid } = JSON.parse(await Deno.readTextFile(join(folder, name)));
    if (typeof pid === "number") pids.push(pid);
  }
  return pids;
}
