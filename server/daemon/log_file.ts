/**
 * A log file that keeps itself small: at most `keep` files of `maxBytes`, the newest without a number,
 * `.1` the one before it.
 *
 * Rotation copies and then empties the file instead of renaming it, because the process's own standard
 * error goes to the same file (see `platform/detach.ts`): after a rename a crash would be written to an
 * old file, and at last to none. A reader that finds the file shorter than before finds what it missed
 * in `.1`.
 *
 * @module
 */

/** Options of {@linkcode LogFile}. */
export interface LogFileOptions {
  path: string;
  /** Bytes a file may have. Default 5,000,000. */
  maxBytes?: number;
  /** Files kept, the current one included. Default 5. */
  keep?: number;
}

/** An open log. Methods throw what the file system throws; the logger above swallows it. */
export class LogFile implements Disposable {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #keep: number;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | undefined;
  #size = 0;
  /** A line was cut short: the next one must not continue it. */
  #torn = false;

  constructor(options: LogFileOptions) {
    this.#path = options.path;
    this.#maxBytes = options.maxBytes ?? 5_000_000;
    this.#keep = options.keep ?? 5;
  }

  /** Appends one line. After a failure the file is opened anew for the next one. */
  write(line: string): void {
    try {
      const file = this.#file ??= this.#open();
      const bytes = this.#encoder.encode(this.#torn ? `\n${line}\n` : `${line}\n`);
      if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) this.#rotate(file);
      this.#append(file, bytes);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): Deno.FsFile {
    const file = Deno.openSync(this.#path, { create: true, append: true, mode: 0o600 });
    this.#size = file.statSync().size;
    return file;
  }

  #append(file: Deno.FsFile, bytes: Uint8Array): void {
    this.#torn = true;
    for (let offset = 0; offset < bytes.length;) {
      const written = file.writeSync(bytes.subarray(offset));
      offset += written;
      this.#size += written;
    }
    this.#torn = false;
  }

  #rotate(file: Deno.FsFile): void {
    if (this.#keep > 1) {
      for (let number = this.#keep - 2; number >= 1; number--) {
        renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      }
      try {
        Deno.copyFileSync(this.#path, `${this.#path}.1`);
      } catch {
        // No room for the copy, or the file was deleted under us: the bound matters more than history.
      }
    }
    file.truncateSync(0);
    this.#size = 0;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
