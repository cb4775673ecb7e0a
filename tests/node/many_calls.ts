/**
 * A program among others: calls `echo` of the server `asking` over the daemon, many times at once, and
 * prints how many answers were its own. Arguments: a name that no other has.
 *
 * @module
 */

import process from "node:process";

import { getSharedClient } from "../../client/mod.ts";

const name = process.argv[2];
const client = getSharedClient({ server: "asking", mode: "daemon" });
const calls = Array.from({ length: 100 }, async (_, number) => {
  const text = `${name} ${number}`;
  const { content } = await client.callTool("echo", { text });
  return content[0].text === text;
});
const pid = (await client.callTool("pid")).content[0].text;
const own = (await Promise.all(calls)).filter((isOwn) => isOwn).length;
console.log(JSON.stringify({ own, pid }));
