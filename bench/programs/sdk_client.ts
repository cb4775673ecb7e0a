/**
 * A client of the official SDK with a server of its own on stdio, which keeps calls waiting: what somebody
 * gets who uses no daemon. The argument is JSON: `calls` that wait at any time, `seconds`, `call` (a file
 * with the tool's name and arguments), `wanted` (a file with the text that every answer must end with;
 * left out not to look), and the `command` of the server. With `once` it makes one call of `echo` and
 * ends.
 *
 * Prints one line of JSON, the same as the load generators.
 *
 * @module
 */

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { cpuMs } from "../machine.ts";

/** Milliseconds of load before it is measured: the compilers of the runtime need some. */
const WARM_UP_MS = 700;

const { calls, seconds, call: callFile, wanted: wantedFile, command, once } = JSON.parse(
  Deno.args[0],
);
const call = await read(callFile) ?? { name: "echo", arguments: { message: "hello" } };
const wanted = await read(wantedFile);
const [program, ...args] = command;
const client = new Client({ name: "bench", version: "1.0.0" });
await client.connect(
  new StdioClientTransport({ command: program, args, env: Deno.env.toObject(), stderr: "ignore" }),
);
if (once) {
  const { content } = await client.callTool(call);
  console.log(JSON.stringify(content));
} else {
  await keepCalling(WARM_UP_MS);
  const cpuBefore = await cpuMs([Deno.pid]);
  const begin = performance.now();
  const { latencies, wrong, sample } = await keepCalling(seconds * 1000);
  const took = performance.now() - begin;
  const cpuAfter = await cpuMs([Deno.pid]);
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(part * latencies.length)];
  console.log(JSON.stringify({
    requests: latencies.length,
    seconds: took / 1000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failed: 0,
    wrong,
    sample,
    cpuMs: cpuAfter === undefined ? undefined : cpuAfter - cpuBefore!,
  }));
}
await client.close();

async function read(file: string | undefined) {
  return file === undefined ? undefined : JSON.parse(await Deno.readTextFile(file));
}

async function keepCalling(ms: number) {
  const until = performance.now() + ms;
  const latencies: number[] = [];
  let wrong = 0;
  let sample = "";
  await Promise.all(Array.from({ length: calls }, async () => {
    for (let begin; (begin = performance.now()) < until;) {
      const result = await client.callTool(call);
      latencies.push(performance.now() - begin);
      if (wanted === undefined) continue;
      const [first] = result.content;
      const text = first.type === "text" ? first.text : first.type;
      if (text.endsWith(wanted)) continue;
      wrong++;
      sample = text.slice(0, 300);
    }
  }));
  return { latencies, wrong, sample };
}
