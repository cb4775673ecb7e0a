/**
 * What one process has said and heard, written down as it happens: whole the moment it was said, so that
 * the end of the process, by `kill -9` even, takes nothing with it but the piece under way.
 *
 * A file is a sequence of pieces: a line of JSON and, where that says `bytes`, as many of them and a line
 * end. Read by `transcript.ts`.
 *
 * @module
 */

/** Who said something: on each wire one is the client of MCP and one the server. */
export type Speaker = "client" | "server";

/** Bytes that are kept of a process: rounds that run for hours say more than anybody can judge. */
const MAX_FILE = 64 * 1024 * 1024;

/** Bytes a speaker that are kept of one wire: what floods a wire says the same all over. */
const MAX_KEPT = 4 * 1024 * 1024;

const utf8 = new TextEncoder();

/** One connection, child process or HTTP request. */
export class RecordedWire {
  readonly #recording: Recording;
  readonly #id: number;
  readonly #kept: Record<Speaker, number> = { client: 0, server: 0 };

  constructor(recording: Recording, id: number) {
    this.#recording = recording;
    this.#id = id;
  }

  /** Something was said: a piece of a stream, or one whole message where the wire has messages. */
  said(by: Speaker, what: string | Uint8Array): void {
    if (this.#kept[by] > MAX_KEPT) return;
    const bytes = typeof what === "string" ? utf8.encode(what) : what;
    this.#kept[by] += bytes.length;
    // Whoever reads it knows that the rest is missing.
    if (this.#kept[by] > MAX_KEPT) this.note({ cut: by });
    else this.#recording.write({ wire: this.#id, said: by, bytes: bytes.length }, bytes);
  }

  /** Something that is no message became known. */
  note(facts: Record<string, unknown>): void {
    this.#recording.write({ wire: this.#id, ...facts });
  }
}

/** The file of one process. Made when there is something to write. */
export class Recording implements Disposable {
  readonly #folder: string;
  readonly #maxBytes: number;
  #file: Deno.FsFile | undefined;
  #wires = 0;
  #written = 0;

  /**
   * @param folder Where files of recordings are; each process has its own.
   * @param maxBytes Nothing more is written down beyond that. What was until then is sound: no answer is
   * there without its question.
   */
  constructor(folder: string, maxBytes = MAX_FILE) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** A wire begins. */
  begin(facts: Record<string, unknown>): RecordedWire {
    const wire = new RecordedWire(this, ++this.#wires);
    wire.note({ begins: facts });
    return wire;
  }

  write(head: Record<string, unknown>, bytes?: Uint8Array): void {
    if (this.#written > this.#maxBytes) return;
    this.#file ??= Deno.openSync(`${this.#folder}/${Deno.pid}.${Date.now()}`, {
      create: true,
      append: true,
    });
    const line = utf8.encode(JSON.stringify(head) + "\n");
    let piece = line;
    if (bytes !== undefined) {
      piece = new Uint8Array(line.length + bytes.length + 1);
      piece.set(line);
      piece.set(bytes, line.length);
      piece[piece.length - 1] = 10;
    }
    this.#written += piece.length;
    for (let at = 0; at < piece.length;) at += this.#file.writeSync(piece.subarray(at));
  }

  /** Closes the file; the end of a process does the same. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
