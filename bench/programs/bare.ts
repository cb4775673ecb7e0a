/**
 * The bound that nobody can beat on this runtime: a bare `Deno.serve` that reads the headers, parses the
 * call and answers it itself. No session, no server behind it.
 *
 * Prints `{"url": …}` as its first line.
 *
 * @module
 */

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })),
}, async (request) => {
  const { headers } = request;
  const wanted = `${headers.get("content-type")} ${headers.get("accept")} ${headers.get("origin")}`;
  if (!wanted.includes("application/json")) return new Response(null, { status: 415 });
  const { id, params } = JSON.parse(await request.text());
  const result = { content: [{ type: "text", text: params.arguments.message }] };
  return new Response(JSON.stringify({ jsonrpc: "2.0", id, result }), {
    headers: { "content-type": "application/json" },
  });
});
