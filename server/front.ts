/**
 * The way in. Nearly every request of a day is a `POST` to `/mcp/{server}` or `/mcp` from a program, so
 * these go straight to their transport, past the same checks; the router sees to everything else. What
 * the two do with such a request is the same: it is the same functions.
 *
 * Why: the router and its two layers cost a call about 4 µs of the 20 that it may cost.
 *
 * @module
 */

import { refusalResponse } from "./inbound/context.ts";
import { checkAccess, checkOrigin } from "./inbound/guard.ts";
import { postMessage } from "./inbound/streamable_http.ts";
import { createRoutes, type RoutesOptions } from "./routes.ts";

/** Where a message is posted to: the server its path names, if any; undefined for any other address. */
interface Address {
  server: string | undefined;
}

/** Answers requests. Never rejects. */
export function createFront(
  options: RoutesOptions,
): (request: Request) => Response | Promise<Response> {
  const routes = createRoutes(options);
  return (request) => {
    const address = request.method === "POST" ? addressOf(request.url) : undefined;
    // A page's answer has headers of its own.
    if (address === undefined || request.headers.get("origin") !== null) {
      return routes.fetch(request);
    }
    try {
      checkOrigin(request.headers, options.guard);
      checkAccess(request.headers, "data", options.guard);
    } catch (error) {
      return refusalResponse(error, { log: options.inbound.log });
    }
    return postMessage(options.inbound, { request, server: address.server });
  };
}

const EVERYTHING: Address = { server: undefined };
const MCP = "/mcp";

let lastUrl = "";
let lastAddress: Address | undefined;

/** Where a request goes; undefined for what the router is to read. */
function addressOf(url: string): Address | undefined {
  // A client asks at the same address all day.
  if (url !== lastUrl) {
    lastAddress = readAddress(url);
    lastUrl = url;
  }
  return lastAddress;
}

/** Only plain names: what is encoded, or ends in another part, is for the router to read. */
function readAddress(url: string): Address | undefined {
  // "http://" is skipped; the host ends at the first slash behind it.
  const start = url.indexOf("/", 8);
  if (!url.startsWith(MCP, start)) return undefined;
  const question = url.indexOf("?", start);
  const end = question === -1 ? url.length : question;
  const name = start + MCP.length;
  if (name === end) return EVERYTHING;
  if (url.charCodeAt(name) !== SLASH) return undefined;
  const server = url.slice(name + 1, end);
  return PLAIN.test(server) ? { server } : undefined;
}

const SLASH = 47;
const PLAIN = /^[\w.-]+$/;
