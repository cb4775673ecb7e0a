/**
 * What `nc -U PATH` does: standard input to a Unix socket, the socket to standard output.
 *
 * Run: `deno run -A socket_client.ts PATH`.
 *
 * @module
 */

const conn = await Deno.connect({ transport: "unix", path: Deno.args[0] });
const down = conn.readable.pipeTo(Deno.stdout.writable);
await Deno.stdin.readable.pipeTo(conn.writable, { preventClose: true });
await conn.closeWrite();
await down;
