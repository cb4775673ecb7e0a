/**
 * `fetch` for a daemon on this machine, never through a proxy: `HTTP_PROXY` is about the network, and
 * whoever runs the proxy must see neither the token nor what is asked.
 *
 * Deno's `fetch` sends even 127.0.0.1 to a proxy that the environment names (2.7 to 2.9); Node's never
 * does. So only Deno with such a variable takes another way than its own `fetch`.
 *
 * @module
 */

import { hasProxy } from "./defaults.ts";

/** As much of Deno as is used here; the SDK runs without it as well. */
interface DenoWithClients {
  createHttpClient(options: {
    proxy: { transport: "tcp"; hostname: string; port: number };
  }): unknown;
}

/** One client an origin, for as long as the process lives: it keeps connections, not the process. */
const clients = new Map<string, unknown>();

/** A `fetch` that goes straight to the origin of `url`. */
export function loopbackFetch(url: string): typeof fetch {
  const deno = (globalThis as { Deno?: DenoWithClients }).Deno;
  if (deno?.createHttpClient === undefined || !hasProxy()) return fetch;
  const { origin, hostname, port } = new URL(url);
  let client = clients.get(origin);
  if (client === undefined) {
    client = deno.createHttpClient({
      proxy: {
        transport: "tcp",
        // With its brackets: Deno reads this as a part of a URL (2.7 to 2.9).
        hostname,
        port: Number(port || "80"),
      },
    });
    clients.set(origin, client);
  }
  return (input, init) => fetch(input, { ...init, client } as unknown as RequestInit);
}
