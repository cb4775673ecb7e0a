/**
 * What `tap.sh` wrote down, for the referee.
 *
 * @module
 */

import { join } from "@std/path";
import type { Conversation } from "./referee.ts";

/** Every conversation that was overheard with files in `folder`. A last line without an end is left out. */
export async function overheard(folder: string): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".in")) continue;
    const base = name.slice(0, -".in".length);
    conversations.push({
      name: `server ${base}`,
      fromClient: await readLines(join(folder, name)),
      fromServer: await readLines(join(folder, `${base}.out`)),
    });
  }
  return conversations;
}

async function readLines(file: string): Promise<unknown[]> {
  const lines = (await Deno.readTextFile(file)).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
