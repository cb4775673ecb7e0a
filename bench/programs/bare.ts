/**
 * The bound: a bare `Deno.serve` that reads the headers and the text of a call, parses it and answers it
 * itself. No session, no server behind it. (`request.json()` is a tenth faster still on Deno 2.9.6, but
 * whoever must know whether it was UTF-8, and how a number was written, needs the text.)
 *
 * Prints `{"url": …}` as its first line.
 *
 * @module
 */

import { messageJson } from "../request.ts";

/** Texts that were asked for, by their names. */
const texts = new Map<string, string>();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })),
}, async (request) => {
  const { headers } = request;
  const wanted = `${headers.get("content-type")} ${headers.get("accept")} ${headers.get("origin")}`;
  if (!wanted.includes("application/json")) return new Response(null, { status: 415 });
  const { id, params } = JSON.parse(await request.text());
  const { message } = params.arguments;
  const text = params.name === "give" ? textOf(message) : message;
  const result = { content: [{ type: "text", text }] };
  return new Response(JSON.stringify({ jsonrpc: "2.0", id, result }), {
    headers: { "content-type": "application/json" },
  });
});

/** A text that is named as the echo server's `give` wants it. */
function textOf(name: string): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const [kind, bytes] = name.split(" ");
  if (kind !== "plain" && kind !== "escapes" && kind !== "unicode") throw new Error(`no ${name}`);
  const text: string = JSON.parse(`"${messageJson({ text: kind, bytes: Number(bytes) })}"`);
  texts.set(name, text);
  return text;
}
