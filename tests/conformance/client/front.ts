/**
 * A server before the suite's own, that answers some requests by itself and passes all others on.
 *
 * @module
 */

/** A front that listens. */
export interface Front extends AsyncDisposable {
  /** Base URL, without a slash at the end. */
  url: string;
}

/** Answers a request instead of the server behind; undefined: it is passed on. */
export type Instead = (
  request: Request,
  body: string,
) => Response | undefined | Promise<Response | undefined>;

/** Puts a front before `url`. Whatever its path, what is passed on goes there. */
export function serveFront(url: string, instead: Instead): Front {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = await request.text();
    const own = await instead(request, body);
    if (own !== undefined) return own;
    const headers = new Headers(request.headers);
    headers.delete("host");
    const { method } = request;
    const { body: passed, status, headers: given } = await fetch(url, {
      method,
      headers,
      body: method === "POST" ? body : undefined,
    });
    return new Response(passed, { status, headers: given });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/**
 * A front for servers of the suite that do not answer `server/discover`, which every server of
 * 2026-07-28 must: the scenario is not about that.
 */
export function withDiscover(url: string): Front {
  return serveFront(url, (_request, body) => {
    if (!body.includes('"server/discover"')) return undefined;
    const { id, method } = JSON.parse(body);
    if (method !== "server/discover") return undefined;
    return Response.json({
      jsonrpc: "2.0",
      id,
      result: {
        resultType: "complete",
        ttlMs: 0,
        cacheScope: "private",
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {}, resources: {}, prompts: {} },
        _meta: { "io.modelcontextprotocol/serverInfo": { name: "suite", version: "1.0.0" } },
      },
    });
  });
}
