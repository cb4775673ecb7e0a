/**
 * What was learned about servers and is kept across restarts: that a server asks its clients in a way
 * that cannot be told apart, which protocol era it speaks. By `serverKey`.
 *
 * @module
 */

import { dirname } from "@std/path";
import { readIfThere, replaceFile } from "../../platform/atomic_file.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";

/** What is known of one server. */
export interface Verdict {
  /** What it was called when this was learned: for people, who cannot read keys. */
  server?: string;
  /** Why clients that can be asked get a process of their own; a sentence for people. */
  isolate?: string;
  /** Which protocol era it speaks. `silent`: a legacy one that must not be asked. */
  era?: "modern" | "legacy" | "silent";
}

/** Keeps verdicts by key. */
export interface VerdictStore {
  get(key: string): Verdict | undefined;
  /** Adds to what is known. */
  add(key: string, verdict: Verdict): void;
  /** Forgets a server. */
  delete(key: string): void;
}

/** Verdicts in memory only. */
export function memoryVerdictStore(): VerdictStore {
  return new Verdicts(new Map(), () => {});
}

/** Options of {@linkcode openVerdictStore}. */
export interface VerdictStoreOptions {
  /** A JSON file; made when there is something to keep. */
  path: string;
  /** Told when it cannot be read or written; what was learned is then kept in memory. */
  onProblem(problem: unknown): void;
}

/** Verdicts in a file. A file that cannot be read is begun anew: it can all be learned again. */
export function openVerdictStore({ path, onProblem }: VerdictStoreOptions): VerdictStore {
  return new Verdicts(read(path, onProblem), (verdicts) => {
    try {
      Deno.mkdirSync(dirname(path), { recursive: true });
      replaceFile(path, JSON.stringify(Object.fromEntries(verdicts), undefined, 2) + "\n");
    } catch (error) {
      onProblem(error);
    }
  });
}

function read(path: string, onProblem: VerdictStoreOptions["onProblem"]): Map<string, Verdict> {
  try {
    const text = readIfThere(path);
    const value: unknown = text === undefined ? {} : JSON.parse(text);
    if (!isObject(value)) throw new Error(`${path} holds no object`);
    return new Map(
      Object.entries(value).flatMap(([key, entry]) =>
        isObject(entry) ? [[key, asVerdict(entry)]] : []
      ),
    );
  } catch (error) {
    onProblem(error);
    return new Map();
  }
}

/** What of an entry can be a verdict: the file may have been edited, or be of another version. */
function asVerdict({ server, isolate, era }: JsonObject): Verdict {
  return {
    ...(typeof server === "string" ? { server } : {}),
    ...(typeof isolate === "string" ? { isolate } : {}),
    ...(era === "modern" || era === "legacy" || era === "silent" ? { era } : {}),
  };
}

class Verdicts implements VerdictStore {
  readonly #verdicts: Map<string, Verdict>;
  readonly #write: (verdicts: ReadonlyMap<string, Verdict>) => void;

  constructor(
    verdicts: Map<string, Verdict>,
    write: (verdicts: ReadonlyMap<string, Verdict>) => void,
  ) {
    this.#verdicts = verdicts;
    this.#write = write;
  }

  get(key: string): Verdict | undefined {
    return this.#verdicts.get(key);
  }

  add(key: string, verdict: Verdict): void {
    this.#verdicts.set(key, { ...this.#verdicts.get(key), ...verdict });
    this.#write(this.#verdicts);
  }

  delete(key: string): void {
    if (this.#verdicts.delete(key)) this.#write(this.#verdicts);
  }
}
