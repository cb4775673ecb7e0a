/**
 * Whether the daemon that runs is the one that was asked for.
 *
 * @module
 */

import type { ReadAnnouncement } from "../../server/daemon/announce.ts";
import type { GivenSettings } from "./shared.ts";

/**
 * The settings given that the running daemon does not have, as `--port 8000`.
 *
 * What another version did not announce counts as equal: a wrong note is worse than none.
 */
export function differences(
  { host, port, config }: GivenSettings,
  { url, settings }: ReadAnnouncement,
): string[] {
  const names: string[] = [];
  const actualPort = Number(new URL(url).port || "80");
  if (host !== undefined && settings !== undefined && host !== settings.host) {
    names.push(`--host ${host}`);
  }
  // Asked for "any", any is right; else the port it has, or the one it was given.
  if (port !== undefined && port !== 0 && port !== actualPort) names.push(`--port ${port}`);
  if (config !== undefined && settings !== undefined && config !== settings.config) {
    names.push(`--config ${config}`);
  }
  return names;
}
