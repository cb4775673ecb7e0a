/**
 * A program that listens to a server, calls it once, and closes nothing: that it ends is what is tested.
 * Its argument is the client's options as JSON; it prints the answer.
 *
 * @module
 */

import process from "node:process";

import { AichakuClient } from "../../client/mod.ts";

const client = new AichakuClient({
  ...JSON.parse(process.argv[2]),
  onNotification() {},
});
// The server says that it tells of the resource before the call is made.
await client.request("resources/subscribe", { uri: "matrix://one" });
const { content } = await client.callTool("echo", { text: "called" });
console.log(content[0].text);
