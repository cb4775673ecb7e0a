/**
 * What servers were last known to offer, kept across restarts so that a list starts nothing: a file of
 * its own for each server and class of clients. What stands in here was the same for everybody who could
 * ask; what is for one client alone is never given to a store.
 *
 * Guarantees: files are readable by their owner only and replaced whole; writing holds up nobody. Not
 * guaranteed: that what was put last is there after a crash. Everything in here can be learned again, so
 * a file that is damaged, too old or too large is as good as none.
 *
 * @module
 */

import { join } from "@std/path";
import { readIfThere, removeIfThere, replaceFileLater } from "../../platform/atomic_file.ts";
import { isObject, type JsonObject, parseJson, stringifyJson } from "../../protocol/json.ts";

/** What a server offered. */
export interface CatalogRecord {
  /** A name it is configured under; for people. */
  server: string;
  /** Wall clock, milliseconds since 1970: when the server last said so. */
  readAt: number;
  /** What it says of itself: capabilities, `serverInfo`, `instructions`. */
  initialize: JsonObject;
  /** Its lists, by the member of the result that holds them. Those never read are missing. */
  lists: Record<string, JsonObject[]>;
}

/** Keeps catalogs by key. Every implementation passes `catalog_store_suite.ts`. */
export interface CatalogStore {
  /** The catalog, or undefined when there is none that can be used. */
  get(key: string): CatalogRecord | undefined;
  /** Keeps a catalog, sooner or later; one under the same key is replaced. */
  put(key: string, record: CatalogRecord): void;
  /** Forgets a catalog; none is no error. */
  delete(key: string): void;
  /** Writes what was put. Nothing is taken after it. */
  close(): Promise<void>;
}

/** How long a catalog is good for without its server having been asked. Milliseconds: 7 days. */
export const CATALOG_MAX_AGE_MS = 7 * 24 * 60 * 60_000;
/** Characters of JSON that one catalog may have: 8 Mi. */
export const CATALOG_MAX_CHARS = 8 * 1024 * 1024;

/** Counts up when records change their form. */
const FORMAT = 1;
/** Files kept at most; the oldest go first. */
const MAX_FILES = 500;

/** Catalogs in memory only. */
export function memoryCatalogStore(): CatalogStore {
  const texts = new Map<string, string>();
  return {
    get: (key) => readRecord(texts.get(key), key),
    put(key, record) {
      const text = textOf(key, record);
      if (text === undefined) texts.delete(key);
      else texts.set(key, text);
    },
    delete: (key) => void texts.delete(key),
    close: () => Promise.resolve(),
  };
}

/** Where the daemon keeps catalogs below `$AICHAKU_HOME/cache`. */
export function catalogFolder(cacheDir: string): string {
  return join(cacheDir, "catalogs");
}

/** Options of {@linkcode openCatalogStore}. */
export interface CatalogStoreOptions {
  /** Folder of the files; made when there is something to keep. */
  folder: string;
  /** Told when a file cannot be read or written; the daemon goes on without it. */
  onProblem(problem: unknown): void;
  /** Milliseconds since 1970. Default `Date.now`. */
  wallClock?: () => number;
}

/** Catalogs in a folder. */
export function openCatalogStore(options: CatalogStoreOptions): CatalogStore {
  return new CatalogFolder(options);
}

class CatalogFolder implements CatalogStore {
  readonly #options: CatalogStoreOptions;
  /** What is to be written next, by key; null for a file that is to go. */
  readonly #wanted = new Map<string, string | null>();
  #writing: Promise<void> | undefined;
  #closed = false;
  #isTidy = false;

  constructor(options: CatalogStoreOptions) {
    this.#options = options;
  }

  get(key: string): CatalogRecord | undefined {
    const wanted = this.#wanted.get(key);
    if (wanted !== undefined) return readRecord(wanted ?? undefined, key);
    const path = this.#pathOf(key);
    try {
      const text = isSmall(path) ? readIfThere(path) : undefined;
      const record = readRecord(text, key);
      if (text !== undefined && record === undefined) {
        this.#options.onProblem(new Error(`${path} holds no catalog; it is begun anew`));
        this.delete(key);
      }
      return record;
    } catch (error) {
      this.#options.onProblem(error);
      return undefined;
    }
  }

  put(key: string, record: CatalogRecord): void {
    this.#want(key, textOf(key, record) ?? null);
  }

  delete(key: string): void {
    this.#want(key, null);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  #pathOf(key: string): string {
    return join(this.#options.folder, `${key}.json`);
  }

  #want(key: string, text: string | null): void {
    if (this.#closed) return;
    this.#wanted.set(key, text);
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** Writes until nothing is wanted. Of what is wanted for one key meanwhile, only the last counts. */
  async #write(): Promise<void> {
    // Not in the turn of whoever put it.
    await Promise.resolve();
    for (const [key, text] of this.#wanted) {
      try {
        if (text === null) removeIfThere(this.#pathOf(key));
        else {
          await Deno.mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
          await replaceFileLater(this.#pathOf(key), text);
        }
      } catch (error) {
        this.#options.onProblem(error);
      }
      // Unless another text was put while this one was written: then it comes once more.
      if (this.#wanted.get(key) === text) this.#wanted.delete(key);
    }
    if (!this.#isTidy) this.#tidy();
    if (this.#wanted.size > 0) await this.#write();
  }

  /** Removes what nobody will read any more. */
  #tidy(): void {
    this.#isTidy = true;
    const { folder, onProblem, wallClock = Date.now } = this.#options;
    try {
      const files = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
        .map(({ name }) => ({ path: join(folder, name), time: timeOf(join(folder, name)) }))
        .sort((one, other) => other.time - one.time);
      const tooOld = wallClock() - CATALOG_MAX_AGE_MS;
      files.forEach(({ path, time }, at) => {
        if (time < tooOld || at >= MAX_FILES) removeIfThere(path);
      });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) onProblem(error);
    }
  }
}

/** A file of the store as a person may want to see it. */
export interface CatalogReport {
  path: string;
  /** Undefined for a file that holds no catalog. */
  server?: string;
  /** Wall clock, milliseconds since 1970. */
  readAt?: number;
  bytes: number;
  /** Items of each list. */
  items?: Record<string, number>;
}

/** What is in a folder of catalogs, for people; nothing when there is no such folder. */
export function reportCatalogs(folder: string): CatalogReport[] {
  const reports: CatalogReport[] = [];
  try {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || !name.endsWith(".json")) continue;
      const path = join(folder, name);
      const text = isSmall(path) ? readIfThere(path) : undefined;
      const record = readRecord(text, name.slice(0, -".json".length));
      reports.push({
        path,
        bytes: Deno.statSync(path).size,
        ...(record === undefined ? {} : {
          server: record.server,
          readAt: record.readAt,
          items: Object.fromEntries(
            Object.entries(record.lists).map(([list, items]) => [list, items.length]),
          ),
        }),
      });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // None yet, or just removed.
  }
  return reports.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** @returns undefined when it is too large, or nests too deeply to be written. */
function textOf(key: string, record: CatalogRecord): string | undefined {
  try {
    const text = stringifyJson({ format: FORMAT, key, ...record }) + "\n";
    return text.length > CATALOG_MAX_CHARS ? undefined : text;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readRecord(text: string | undefined, key: string): CatalogRecord | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined; // Cut off or damaged: begun anew.
  }
  if (!isObject(value) || value.format !== FORMAT || value.key !== key) return undefined;
  const { server, readAt, initialize, lists } = value;
  if (typeof server !== "string" || typeof readAt !== "number") return undefined;
  if (!isObject(initialize) || !isObject(initialize.capabilities) || !isObject(lists)) {
    return undefined;
  }
  const areItems = (items: unknown) => Array.isArray(items) && items.every(isObject);
  if (!Object.values(lists).every(areItems)) return undefined;
  return { server, readAt, initialize, lists: lists as CatalogRecord["lists"] };
}

/** Whether a file can hold a catalog. UTF-8 takes up to three bytes a character. */
function isSmall(path: string): boolean {
  try {
    return Deno.statSync(path).size <= 3 * CATALOG_MAX_CHARS;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

function timeOf(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0; // Removed by another daemon.
    throw error;
  }
}
