/**
 * Names of servers. A name stands in a path (`/mcp/{server}`) and before the names of tools
 * (`server__tool`), so it is 1-64 of `A-Z a-z 0-9 . _ -`, has no `__`, and is none of the words that
 * mean something else in that place of a path.
 *
 * @module
 */

const LONGEST = 64;
const RESERVED_SUFFIX = "-mcp";

/**
 * `/mcp/servers` and `/mcp/v1` are endpoints of the daemon; `.` and `..` are steps between folders,
 * which a URL parser removes before any route sees them.
 */
const RESERVED: ReadonlySet<string> = new Set(["servers", "v1", ".", ".."]);

/**
 * The name a server gets: the given one when it is allowed, otherwise the nearest that is. Runs of
 * other characters become `-`, runs of `_` become one, a reserved word gets `-mcp` behind it, what is
 * longer than 64 is cut, and an empty name is `server`. Mapping a mapped name changes nothing.
 */
export function mapServerName(given: string): string {
  const plain = given
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/_{2,}/g, "_")
    .slice(0, LONGEST);
  if (plain === "") return "server";
  return RESERVED.has(plain) ? plain + RESERVED_SUFFIX : plain;
}
