/**
 * Watching the configuration file: whoever saves it need not tell the daemon.
 *
 * Guarantees: told is a change of what the file holds, and nothing else, once it has stood still for
 * `debounceMs`; however it came about: written in place, replaced by rename, deleted and written again,
 * through a symbolic link that now leads elsewhere, with its folder. The system tells of changes at
 * once; what it does not tell (another machine's write to a shared file system) a look every half
 * minute finds. Where links are on the way, or the file is not there, it is every two seconds: Deno does
 * not tell of a link that is made and leads out of the folders that are watched (2.7 to 2.9).
 *
 * Not guaranteed: every state that lasted shorter than that is told.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "@std/path";
import type { Clock } from "../../platform/clock.ts";

/** Options of {@linkcode watchConfig}. */
export interface WatchOptions {
  /** Path of the file. It need not exist, and neither need its folder. */
  file: string;
  clock: Clock;
  /** Told that the file holds something else, or nothing any more. */
  onChange(): void;
  /** What the file is known to hold: see {@linkcode fingerprint}. */
  known: string;
  /** Milliseconds that the file must stand still. Default 200. */
  debounceMs?: number;
  /** Milliseconds between two looks when nothing is told. Default 30,000. */
  lookMs?: number;
  /** The same where links are on the way, or the file is not there. Default 2,000. */
  uncertainLookMs?: number;
}

/** Links to follow until it is certain that they lead to each other. */
const MAX_LINKS = 40;

/** What the file holds, in a few characters: two that are equal mean the same content. */
export async function fingerprint(file: string): Promise<string> {
  try {
    // Reading a pipe would take away what whoever else reads it wants.
    if (!(await Deno.stat(file)).isFile) return "no file";
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch (error) {
    // Missing, unreadable, a link to itself: whatever it is, it is another content than a file has.
    return error instanceof Error ? error.name : "error";
  }
}

/** Watches until disposed; then `onChange` is not called any more. */
export function watchConfig(options: WatchOptions): AsyncDisposable {
  const watch = new ConfigWatch(options);
  return { [Symbol.asyncDispose]: () => watch.close() };
}

class ConfigWatch {
  readonly #options: WatchOptions;
  readonly #debounceMs: number;
  readonly #lookMs: number;
  readonly #uncertainLookMs: number;
  #known: string;
  /** What the last look found, if it is not told yet. */
  #seen: string | undefined;
  #closed = false;
  #timer: Disposable | undefined;
  /** Whether the timer's next look is the one after `debounceMs`. */
  #isSoon = false;
  #looking: Promise<void> | undefined;
  /** Whether something happened since the last look began. */
  #isStirred = false;
  /** What the watcher watches, to be compared; empty when it has to be made anew. */
  #watched = "";
  #places: string[] = [];
  /** Whether the system tells of every change. */
  #isCertain = false;
  #watcher: Deno.FsWatcher | undefined;
  #events: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#debounceMs = options.debounceMs ?? 200;
    this.#lookMs = options.lookMs ?? 30_000;
    this.#uncertainLookMs = options.uncertainLookMs ?? 2_000;
    this.#known = options.known;
    this.#look();
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#watcher?.close();
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    await this.#events;
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer?.[Symbol.dispose]();
    this.#isSoon = false;
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
      // What happened during the look may have been missed by it.
      this.#schedule(this.#isStirred || this.#seen !== undefined);
    });
  }

  async #lookOnce(): Promise<void> {
    this.#isStirred = false;
    // First the places, then the content: what happens in between is told by the places.
    await this.#watchPlaces();
    const found = await fingerprint(this.#options.file);
    if (this.#closed) return;
    if (found === this.#known) this.#seen = undefined;
    else if (found !== this.#seen) this.#seen = found;
    else {
      this.#seen = undefined;
      this.#known = found;
      this.#options.onChange();
    }
  }

  #schedule(soon: boolean): void {
    if (this.#closed) return;
    this.#isSoon = soon;
    const patience = this.#isCertain ? this.#lookMs : this.#uncertainLookMs;
    const ms = soon ? this.#debounceMs : patience;
    this.#timer = this.#options.clock.after(ms, () => this.#look());
  }

  /**
   * Something happened in a place. Which file it was means nothing: in a flood (the log is in the same
   * folder) events are merged and lost.
   */
  #onEvent({ paths }: Deno.FsEvent): void {
    this.#isStirred = true;
    // The folder itself was moved or removed; one in its place is not watched yet.
    if (paths.some((path) => this.#places.includes(path))) this.#watched = "";
    if (this.#looking === undefined && !this.#isSoon) this.#look();
  }

  async #watchPlaces(): Promise<void> {
    const { places, isCertain } = await placesOf(this.#options.file);
    this.#isCertain = isCertain;
    const identities = places.map(({ path, identity }) => `${path}\0${identity}`).join("\0\0");
    if (this.#closed || identities === this.#watched) return;
    this.#watcher?.close();
    await this.#events;
    if (this.#closed) return;
    this.#watched = identities;
    this.#places = places.map(({ path }) => path);
    try {
      this.#watcher = Deno.watchFs(this.#places, { recursive: false });
    } catch {
      // Gone since we looked, or the system has no more watches to give: the next look tries again.
      this.#watcher = undefined;
      this.#watched = "";
      this.#isCertain = false;
      return;
    }
    this.#events = this.#readEvents(this.#watcher);
    // What happened before it watched was told to nobody.
    this.#isStirred = true;
  }

  async #readEvents(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) this.#onEvent(event);
    } catch {
      // The system cannot tell any more: the looks go on, and the next one watches anew.
      if (this.#watcher === watcher) this.#watched = "";
    }
  }
}

interface Place {
  path: string;
  /** Tells a folder from another one that has its path later. */
  identity: string;
}

/**
 * The folders in which something has to happen for the file to change: the one it is in, those of the
 * links on the way to it, and where the way ends too early, the last folder that exists.
 */
async function placesOf(file: string): Promise<{ places: Place[]; isCertain: boolean }> {
  const folders = new Set<string>();
  let rest = partsOf(resolve(file));
  let folder = rest.shift()!;
  let isCertain = true;
  for (let links = 0; rest.length > 0 && links < MAX_LINKS;) {
    const path = join(folder, rest[0]);
    const info = await Deno.lstat(path).catch(() => undefined);
    if (info === undefined || rest.length === 1) folders.add(folder);
    if (info !== undefined && !info.isSymlink) {
      rest.shift();
      folder = path;
      continue;
    }
    isCertain = false;
    if (info === undefined) break;
    rest.shift();
    links++;
    folders.add(folder);
    const target = await Deno.readLink(path).catch(() => undefined);
    if (target === undefined) break;
    const [root, ...parts] = partsOf(resolve(folder, target));
    folder = root;
    rest = [...parts, ...rest];
  }
  const places = [...folders].map(async (path) => {
    const info = await Deno.stat(path).catch(() => undefined);
    return { path, identity: `${info?.dev} ${info?.ino} ${info?.birthtime?.getTime()}` };
  });
  return { places: await Promise.all(places), isCertain };
}

/** The root of an absolute path, and the names on the way from it. */
function partsOf(path: string): string[] {
  const names: string[] = [];
  let root = path;
  for (; dirname(root) !== root; root = dirname(root)) names.unshift(basename(root));
  return [root, ...names];
}
