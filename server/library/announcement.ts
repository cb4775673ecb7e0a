/**
 * Where the serving process is reached, in a file that is replaced by rename: a reader sees all of it
 * or nothing. It only says where to ask; whoever answers there has to prove itself.
 *
 * @module
 */

import { readIfThere, removeIfThere, replaceFile } from "../../platform/atomic_file.ts";
import { addressOf } from "../../protocol/identity.ts";

/** Revision of the agreement between the processes of a service; see `control.ts`. */
export const REVISION = 1;

/** What the file says. */
export interface Announcement {
  /** Revision that the process speaks. */
  revision: number;
  /** URL to dial, without a slash at the end: `http://127.0.0.1:7200`. */
  url: string;
  /** Random name of this run of the server. */
  instanceId: string;
  /** Process id. Informs only. */
  pid: number;
}

/** Makes the server findable. */
export function publish(path: string, announcement: Announcement): void {
  replaceFile(path, JSON.stringify(announcement, null, 2) + "\n");
}

/** Takes the announcement back, unless another server's stands there by now. */
export function unpublish(path: string, instanceId: string): void {
  if (readAnnouncement(path)?.instanceId === instanceId) removeIfThere(path);
}

/** What is announced; undefined when nothing is, or nothing that can be understood. */
export function readAnnouncement(path: string): Announcement | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Damaged: as good as none.
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { revision, url, instanceId, pid } = value as Record<string, unknown>;
  if (typeof revision !== "number" || typeof pid !== "number") return undefined;
  if (typeof instanceId !== "string" || instanceId === "") return undefined;
  if (typeof url !== "string" || addressOf(url) === undefined) return undefined;
  return { revision, url: url.replace(/\/+$/, ""), instanceId, pid };
}
