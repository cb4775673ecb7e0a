/**
 * The fastest way to make one call with this runtime: a `fetch` in a session that is there already. The
 * argument is JSON: `url` and `headers`.
 *
 * @module
 */

const { url, headers } = JSON.parse(Deno.args[0]);
const response = await fetch(url, {
  method: "POST",
  headers: { ...headers, "content-type": "application/json", accept: "application/json" },
  body: JSON.stringify({
    ...{ jsonrpc: "2.0", id: crypto.randomUUID(), method: "tools/call" },
    params: { name: "echo", arguments: { message: "hello" } },
  }),
});
console.log(await response.text());
