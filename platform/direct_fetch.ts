/**
 * `fetch` to one address of this machine: never through a proxy (`HTTP_PROXY` is about the network, and
 * Deno's `fetch` would send even 127.0.0.1 there), and over a new connection each time.
 *
 * Why no connection is used twice: one that has been idle may be dead, and a request that fails on it
 * may or may not have been executed. A new connection that is refused is certain.
 *
 * @module
 */

/** A `fetch` for one origin. Dispose of it when nothing is asked any more. */
export interface DirectFetch extends Disposable {
  fetch: typeof fetch;
}

/** A {@linkcode DirectFetch} for the origin of `url`. */
export function directFetch(url: string): DirectFetch {
  const { hostname, port } = new URL(url);
  const client = Deno.createHttpClient({
    poolMaxIdlePerHost: 0,
    proxy: {
      transport: "tcp",
      // With its brackets: Deno reads this as a part of a URL (2.7 to 2.9).
      hostname,
      port: Number(port || "80"),
    },
  });
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    [Symbol.dispose]: () => client.close(),
  };
}
