/**
 * What the next daemon is told, when it takes the place of one.
 *
 * @module
 */

import type { ReadAnnouncement } from "../../server/daemon/announce.ts";
import type { GivenSettings } from "./shared.ts";

/** What is given now, else what the old daemon was told beside its configuration. */
export function nextSettings(
  before: ReadAnnouncement | undefined,
  now: GivenSettings,
): GivenSettings {
  if (before?.settings === undefined) return now;
  const { explicit, host, port, config } = before.settings;
  const next: GivenSettings = {
    ...(explicit.includes("host") ? { host } : {}),
    ...(explicit.includes("port") ? { port } : {}),
    ...(explicit.includes("config") ? { config } : {}),
    ...now,
  };
  // "Any port" is best answered with the one that the clients know.
  if (next.port === 0) next.port = Number(new URL(before.url).port);
  return next;
}
