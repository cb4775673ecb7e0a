/**
 * What servers were last known to offer, as it is kept on disk.
 *
 * @module
 */

import type { HomePaths } from "../../platform/paths.ts";
import { fileSystemProblem } from "../../server/daemon/problem.ts";
import {
  catalogFolder,
  type CatalogReport,
  reportCatalogs,
} from "../../server/store/catalog_store.ts";
import { type Finding, fine, warning } from "./finding.ts";

/** How many catalogs there are, and for which servers. Nothing in them can be wrong for long. */
export function checkCatalogs({ cacheDir }: HomePaths, now = Date.now()): Finding {
  const folder = catalogFolder(cacheDir);
  const reports = catalogsIn(folder);
  const damaged = reports.filter(({ server }) => server === undefined);
  if (damaged.length > 0) {
    return warning(
      "cache",
      `${
        damaged.map(({ path }) => path).join(", ")
      }: no catalog of a server; the daemon begins it anew`,
      `Remove ${folder} if this comes again; everything in it is learned again.`,
    );
  }
  if (reports.length === 0) return fine("cache", "it is not known yet what servers offer");
  // Clients that can do different things have catalogs of their own, which rarely differ.
  const kept = [...new Set(reports.map((report) => describe(report, now)))].sort();
  return fine("cache", `known without starting them: ${kept.join("; ")}`);
}

function catalogsIn(folder: string): CatalogReport[] {
  try {
    return reportCatalogs(folder);
  } catch (error) {
    throw fileSystemProblem(error, "Cannot look at the installation") ?? error;
  }
}

function describe({ server, readAt = 0, items = {} }: CatalogReport, now: number): string {
  const counts = Object.entries(items).filter(([, count]) => count > 0)
    .map(([list, count]) => `${count} ${count === 1 ? singular(list) : NAMES[list] ?? list}`);
  const days = Math.max(0, Math.floor((now - readAt) / (24 * 60 * 60_000)));
  const age = days === 0 ? "today" : `${days} ${days === 1 ? "day" : "days"} ago`;
  return `${server} (${[...counts, `read ${age}`].join(", ")})`;
}

function singular(list: string): string {
  return (NAMES[list] ?? list).replace(/s$/, "");
}

const NAMES: Readonly<Record<string, string>> = { resourceTemplates: "resource templates" };
