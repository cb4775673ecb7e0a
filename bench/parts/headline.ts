/**
 * The machine of somebody who works with many agents: ten clients, each with the same ten servers in its
 * configuration. Every client starts its own, or all of them use the daemon.
 *
 * @module
 */

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { join } from "@std/path";
import { temporaryFolder } from "../../scripts/lib/project.ts";
import type { Task } from "../../scripts/lib/task.ts";
import { DaemonFixture } from "../../tests/fixtures/daemon.ts";
import { processTree, type Usage, usageOf } from "../machine.ts";
import { EVERYTHING, FILESYSTEM, installed, MEMORY_SERVER } from "../programs.ts";
import { type Part, type PartOptions, type Section } from "../section.ts";
import { pause } from "./held.ts";

/** An entry of a configuration. */
interface Entry {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

type Entries = Readonly<Record<string, Entry>>;

/** What was found. */
interface Found {
  way: string;
  usage: Usage | undefined;
  /** From the first client's start until every client has every server's tools. */
  seconds: number;
}

/** Milliseconds after which what the servers need to start is over. */
const SETTLE_MS = 5_000;

export const HEADLINE: Part = { name: "headline", contenders: [], inQuick: false, run };

async function run(task: Task, { quick }: PartOptions): Promise<Section> {
  const clients = quick ? 3 : 10;
  const { path } = task.stack.use(await temporaryFolder());
  const entries = await configuration(path, task.signal);
  const ways = [
    { way: "every client starts its own servers", start: startAlone },
    { way: "aichaku, over HTTP", start: startOverHttp },
    { way: "aichaku, with a stdio bridge for each client", start: startOverBridges },
  ];
  const found: Found[] = [];
  for (const { way, start } of ways) {
    console.error(`  ${way}`);
    await using stack = new AsyncDisposableStack();
    const begin = performance.now();
    const roots = await start({ stack, signal: task.signal }, { entries, clients });
    const seconds = (performance.now() - begin) / 1000;
    await pause(SETTLE_MS, task.signal);
    found.push({ way, usage: await usageOf(await processTree(roots)), seconds });
  }
  return describe(found, { clients, servers: Object.keys(entries).length });
}

/** Ten entries as people have them, of three real servers. */
async function configuration(folder: string, signal: AbortSignal): Promise<Entries> {
  const everything = await installed(EVERYTHING, "dist/index.js", signal);
  const filesystem = await installed(FILESYSTEM, "dist/index.js", signal);
  const memory = await installed(MEMORY_SERVER, "dist/index.js", signal);
  const entries: Record<string, Entry> = {
    everything: { command: "node", args: [everything] },
    "everything-2": { command: "node", args: [everything, "stdio"] },
  };
  for (let i = 1; i <= 4; i++) {
    const place = join(folder, `project-${i}`);
    await Deno.mkdir(place);
    entries[`files-${i}`] = { command: "node", args: [filesystem, place] };
    const env = { MEMORY_FILE_PATH: join(folder, `memory-${i}.jsonl`) };
    entries[`memory-${i}`] = { command: "node", args: [memory], env };
  }
  return entries;
}

interface Machine {
  entries: Entries;
  clients: number;
}

/** @returns the processes that would not be there without the servers. */
async function startAlone(
  { stack, signal }: Task,
  { entries, clients }: Machine,
): Promise<number[]> {
  const pids: number[] = [];
  for (let i = 0; i < clients; i++) {
    signal.throwIfAborted();
    const started = Object.values(entries).map(async ({ command, args, env }) => {
      const transport = new StdioClientTransport({
        ...{ command, args, stderr: "ignore" },
        env: { ...Deno.env.toObject(), ...env },
      });
      await useTools(stack, transport);
      pids.push(transport.pid!);
    });
    await Promise.all(started);
  }
  return pids;
}

async function startOverHttp(
  { stack, signal }: Task,
  { entries, clients }: Machine,
): Promise<number[]> {
  const daemon = stack.use(await DaemonFixture.start({ config: { mcpServers: entries } }));
  for (let i = 0; i < clients; i++) {
    signal.throwIfAborted();
    const urls = Object.keys(entries).map((name) => new URL(`${daemon.url}/mcp/${name}`));
    await Promise.all(
      urls.map((url) => useTools(stack, new StreamableHTTPClientTransport(url))),
    );
  }
  return [daemon.pid];
}

/** Each client has one entry, the bridge, which speaks for all servers together. */
async function startOverBridges(
  { stack, signal }: Task,
  { entries, clients }: Machine,
): Promise<number[]> {
  const daemon = stack.use(await DaemonFixture.start({ config: { mcpServers: entries } }));
  const { command, args } = daemon.program;
  const pids = [daemon.pid];
  for (let i = 0; i < clients; i++) {
    signal.throwIfAborted();
    const transport = new StdioClientTransport({
      command,
      args: [...args, "mcp", "--stdio"],
      env: daemon.env,
      stderr: "ignore",
    });
    await useTools(stack, transport);
    pids.push(transport.pid!);
  }
  return pids;
}

/** A client that has listed what there is, and stays. */
async function useTools(
  stack: AsyncDisposableStack,
  transport: StdioClientTransport | StreamableHTTPClientTransport,
): Promise<void> {
  const client = new Client({ name: "bench", version: "1.0.0" });
  stack.defer(() => client.close());
  await client.connect(transport);
  await client.listTools();
}

/** Tables and the sentence to quote. */
export function describe(
  found: readonly Found[],
  { clients, servers }: { clients: number; servers: number },
): Section {
  const [alone, http] = found;
  return {
    title: "Many clients with the same servers",
    text: `${clients} clients with the same ${servers} real servers each: ` +
      `\`${EVERYTHING}\`, \`${FILESYSTEM}\` and \`${MEMORY_SERVER}\`, started with \`node\` ` +
      "(`npx` would add two processes to each). The clients themselves are not counted." +
      `\n\n${sentence(alone, http)}`,
    tables: [{
      title: "",
      head: ["", "processes", "MB (PSS)", "MB (RSS)", "s until all answer"],
      rows: found.map(({ way, usage, seconds }) => [
        way,
        ...usage === undefined ? ["", "", ""] : [
          String(usage.processes),
          usage.proportionalMb?.toFixed(0) ?? "",
          usage.residentMb.toFixed(0),
        ],
        seconds.toFixed(1),
      ]),
    }],
    verdicts: [],
    data: found,
  };
}

/** For the README. */
function sentence(alone: Found, shared: Found): string {
  if (alone.usage === undefined || shared.usage === undefined) return "Counted on Linux only.";
  const words = ({ processes }: Usage, mb: number) =>
    `${processes} processes and ${mb.toFixed(0)} MB`;
  return `**${words(alone.usage, memoryOf(alone.usage))} become ` +
    `${words(shared.usage, memoryOf(shared.usage))}.**`;
}

/** What is shared counted once, where the system tells. */
function memoryOf({ proportionalMb, residentMb }: Usage): number {
  return proportionalMb ?? residentMb;
}
