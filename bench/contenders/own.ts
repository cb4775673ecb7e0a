/**
 * aichaku, and the bounds beside it: a server that has nothing behind it, a forwarder that does nothing
 * but forward, and a client that has nothing in between.
 *
 * @module
 */

import { join } from "@std/path";
import { Child, run } from "../../scripts/lib/child.ts";
import { denoRun, temporaryFolder } from "../../scripts/lib/project.ts";
import { type Task, TaskProblem } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { messageJson, subject } from "../request.ts";
import { beginSession } from "../session.ts";
import { httpTarget, type Run, type Target } from "../target.ts";
import type { Contender } from "./mod.ts";

export const BARE: Contender = {
  name: "bare",
  about: "a `Deno.serve` that parses the call and answers it itself",
  async start({ stack, signal }) {
    const child = stack.use(
      new Child({ command: Deno.execPath(), args: denoRun("bench/programs/bare.ts") }),
    );
    const [, url] = await child.says(/"url":"([^"]+)"/, { signal, ms: 30_000 });
    return httpTarget({ name: "bare", pid: child.pid, places: [{ url, headers: {} }] });
  },
};

export const FORWARDER: Contender = {
  name: "forwarder",
  about:
    "as little as passes calls on to one echo server: one client, no sessions, checks or bounds",
  async start(task, { echo }) {
    const { pid, url } = await startForwarder(task, { echo, servers: 1 });
    return httpTarget({ name: "forwarder", pid, places: [{ url, headers: {} }] });
  },
};

/** Starts a forwarder. @returns its process, and the address of its first server. */
export async function startForwarder(
  { stack, signal }: Task,
  { echo, servers }: { echo: string; servers: number },
): Promise<{ pid: number; url: string }> {
  const args = denoRun("bench/programs/forwarder.ts", echo, String(servers));
  const child = stack.use(new Child({ command: Deno.execPath(), args }));
  const [, url] = await child.says(/"url":"([^"]+)"/, { signal, ms: 30_000 });
  return { pid: child.pid, url };
}

export const AICHAKU: Contender = {
  name: "aichaku",
  about: "the daemon, one shared echo server, all its features on",
  async start({ stack, signal }, { echo }) {
    const daemon = stack.use(
      await DaemonFixture.start({ config: { mcpServers: { echo: { command: echo } } } }),
    );
    const url = `${daemon.url}/mcp/echo`;
    const headers = await beginSession(url, signal);
    return httpTarget({ name: "aichaku", pid: daemon.pid, places: [{ url, headers }] });
  },
};

export const DIRECT: Contender = {
  name: "direct",
  about: "no daemon: one client of the official SDK with an echo server of its own on stdio, " +
    "as many calls waiting as others have connections",
  start: (_task, { echo }) => Promise.resolve(directTarget({ name: "direct", command: [echo] })),
};

/** A client of the SDK with a server of its own; both live for one run. */
export function directTarget(
  { name, command }: { name: string; command: readonly string[] },
): Target {
  return {
    name,
    pids: () => Promise.resolve([]),
    generate: (run) => generateDirectly(command, run),
  };
}

async function generateDirectly(command: readonly string[], options: Run) {
  const { load, seconds, prefix = [], verify = false, signal } = options;
  await using folder = await temporaryFolder();
  const call = join(folder.path, "call.json");
  await Deno.writeTextFile(call, `{${subject(load)}}`);
  const wanted = join(folder.path, "wanted.json");
  await Deno.writeTextFile(wanted, `"${messageJson(load)}"`);
  const settings = {
    ...{ calls: load.connections, seconds, call, command },
    ...verify ? { wanted } : {},
  };
  const [program, ...args] = [
    ...prefix,
    Deno.execPath(),
    ...denoRun("bench/programs/sdk_client.ts", JSON.stringify(settings)),
  ];
  const { code, stdout, stderr } = await run({ command: program, args }, {
    signal,
    ms: (seconds + 60) * 1000,
  });
  if (code !== 0) throw new TaskProblem(`The client of the SDK failed:\n${stderr}`);
  return JSON.parse(stdout);
}
