/**
 * A small file system of a test's own, to be filled or made read-only. Needs the right to mount, which
 * root has on Linux unless it is in a container without it.
 *
 * @module
 */

import { join } from "@std/path";

/** Name of the file that fills it. */
const FILLER = "filler";

/** A mounted file system; unmounted when disposed. */
export class Disk implements Disposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Mounts an empty one over a folder. @param size As `mount` takes it: `2m`. */
  static mount(path: string, size: string): Disk {
    run("mount", "-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", path);
    return new Disk(path);
  }

  /** Takes every byte that is left. */
  fill(): void {
    using file = Deno.openSync(join(this.#path, FILLER), { create: true, append: true });
    for (let size = 65_536; size >= 1; size = size >> 1) {
      try {
        while (file.writeSync(new Uint8Array(size)) > 0);
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOSPC") throw error;
      }
    }
  }

  /** Gives it back. */
  makeRoom(): void {
    Deno.removeSync(join(this.#path, FILLER));
  }

  readOnly(on: boolean): void {
    run("mount", "-o", `remount,${on ? "ro" : "rw"}`, this.#path);
  }

  [Symbol.dispose](): void {
    // Lazily: a daemon that is about to end may still have a file open.
    run("umount", "-l", this.#path);
  }
}

/** Whether file systems can be mounted here. */
export const canMount = tryMount();

function tryMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync();
  try {
    Disk.mount(folder, "64k")[Symbol.dispose]();
    return true;
  } catch {
    return false; // Root of a container that may not.
  } finally {
    Deno.removeSync(folder);
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args, stdin: "null" }).outputSync();
  if (success) return;
  throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}
