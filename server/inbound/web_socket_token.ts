/**
 * The token of a WebSocket. A browser can send no `Authorization` with one, and no token belongs in an
 * address, where histories and logs keep it; so it may be offered as a subprotocol, which is never chosen:
 * `new WebSocket(url, ["mcp", "aichaku.token." + token])`.
 *
 * @module
 */

const PREFIX = "aichaku.token.";

/** The token that a request offers as a subprotocol, if it does. */
export function webSocketToken(headers: Headers): string | undefined {
  return split(headers).find((name) => name.startsWith(PREFIX))?.slice(PREFIX.length);
}

/** The subprotocols that a request offers, without the token. */
export function offeredProtocols(headers: Headers): string[] {
  return split(headers).filter((name) => !name.startsWith(PREFIX));
}

function split(headers: Headers): string[] {
  const header = headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((name) => name.trim()).filter((name) => name !== "");
}
