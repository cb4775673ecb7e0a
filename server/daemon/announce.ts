/**
 * Publishing where the daemon is: `daemon.json` by rename, and the informational pid file. Removed at a
 * clean end, and only while they are still ours: another daemon may have been started since.
 *
 * @module
 */

import { readIfThere, removeIfThere, replaceFile } from "../../platform/atomic_file.ts";
import type { HomePaths } from "../../platform/paths.ts";
import { type Announcement, parseAnnouncement } from "../../protocol/identity.ts";

/** What the daemon was told to do, for whoever starts it again or asks for something else. */
export interface DaemonSettings {
  /** Address it was told to listen on. */
  host: string;
  /** Port it was told to listen on; 0 when the system chose. */
  port: number;
  /** Absolute path of its configuration file, whether there is one or not. */
  config: string;
  /** Which of them came from the command line or the environment, not from the configuration. */
  explicit: ("host" | "port" | "config")[];
  /** Whether every request needs the token. */
  requireToken: boolean;
  /** Whether it was started for a client and ends when nobody uses it. */
  autostarted: boolean;
}

/** What `daemon.json` holds: the announcement that every client reads, and what is for us alone. */
export interface PublishedAnnouncement extends Announcement {
  /** `host:port` that takes newline-delimited JSON-RPC; null when none does. */
  tcp: string | null;
  settings: DaemonSettings;
}

/** What was read from `daemon.json`. */
export interface ReadAnnouncement extends Announcement {
  /** As published; null also when another version did not say. */
  tcp: string | null;
  /** Undefined when another version wrote it differently. */
  settings: DaemonSettings | undefined;
}

/** Makes the daemon findable. Readers see all of it or nothing. */
export function publish(paths: HomePaths, announcement: PublishedAnnouncement): void {
  replaceFile(paths.pidFile, `${announcement.pid}\n`);
  replaceFile(paths.daemonJson, textOf(announcement));
}

/** Whether what stands in `daemon.json` is this announcement, to the letter. */
export function isPublished(paths: HomePaths, announcement: PublishedAnnouncement): boolean {
  return readIfThere(paths.daemonJson) === textOf(announcement);
}

function textOf(announcement: PublishedAnnouncement): string {
  return JSON.stringify(announcement, null, 2) + "\n";
}

/** Takes back what {@linkcode publish} wrote, unless someone else's stands there by now. */
export function unpublish(paths: HomePaths, mine: Pick<Announcement, "instanceId" | "pid">): void {
  if (readAnnouncement(paths)?.instanceId === mine.instanceId) removeIfThere(paths.daemonJson);
  if (readIfThere(paths.pidFile)?.trim() === String(mine.pid)) removeIfThere(paths.pidFile);
}

/** What is announced; undefined when nothing is, or nothing that can be understood. */
export function readAnnouncement(paths: HomePaths): ReadAnnouncement | undefined {
  const text = readIfThere(paths.daemonJson);
  const announcement = text === undefined ? undefined : parseAnnouncement(text);
  if (text === undefined || announcement === undefined) return undefined;
  const { tcp, settings } = JSON.parse(text);
  return {
    ...announcement,
    tcp: typeof tcp === "string" ? tcp : null,
    settings: parseSettings(settings),
  };
}

function parseSettings(value: unknown): DaemonSettings | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { host, port, config, explicit, requireToken, autostarted } = value as Record<
    string,
    unknown
  >;
  if (typeof host !== "string" || typeof port !== "number" || typeof config !== "string") {
    return undefined;
  }
  if (typeof requireToken !== "boolean" || !Array.isArray(explicit)) return undefined;
  const names = (["host", "port", "config"] as const).filter((name) => explicit.includes(name));
  return {
    host,
    port,
    config,
    explicit: names,
    requireToken,
    autostarted: autostarted === true,
  };
}
