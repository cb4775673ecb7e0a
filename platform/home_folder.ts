/**
 * The home folder of aichaku, as its variable says it. The command line and the SDK ask here, so that
 * both find the same daemon.
 *
 * Imports nothing: it is part of every start.
 *
 * @module
 */

/**
 * `AICHAKU_HOME`, else `.aichaku` in the user's home folder. A `~` at its head is the user's home folder:
 * the variable is often set in the configuration of a client, where no shell reads it, and a folder named
 * `~` in whatever folder the client runs in would be another home for each.
 *
 * @param given `AICHAKU_HOME`; undefined when it is not set.
 * @param separator Between folders. Default `/`.
 */
export function homeFolder(given: string | undefined, userHome: string, separator = "/"): string {
  if (given === undefined) return `${userHome}${separator}.aichaku`;
  return /^~(?=$|[/\\])/.test(given) ? `${userHome}${given.slice(1)}` : given;
}
