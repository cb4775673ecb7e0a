/**
 * Names at the address of all servers together: `server__name`. The prefix is the configured name, which
 * is unique, and not what a server calls itself, which is not.
 *
 * Names of servers hold no `__` but may end in `_`, so that `a___b` can be `_b` of `a` or `b` of `a_`.
 *
 * @module
 */

const SEPARATOR = "__";

/** The name of a server's tool or prompt among those of all servers. */
export function fullName(server: string, name: string): string {
  return server + SEPARATOR + name;
}

/** A server that a full name can belong to, and what that server itself calls the thing. */
export interface Reading {
  server: string;
  name: string;
}

/** Every way to read a full name: mostly one, none when no server has such a name. */
export function readingsOf(full: string, servers: Iterable<string>): Reading[] {
  const readings: Reading[] = [];
  for (const server of servers) {
    const prefix = server + SEPARATOR;
    if (full.startsWith(prefix)) readings.push({ server, name: full.slice(prefix.length) });
  }
  return readings;
}
