/**
 * Archives as users unpack them: `.tar.gz`, for Windows `.zip`. The same content gives the same bytes on
 * every machine, so that a checksum says something about the content.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { gzipSync, zipSync } from "fflate";
import { pack } from "tar-stream";
import { joinBytes } from "../../protocol/bytes.ts";

/** A file in an archive. */
export interface ArchiveFile {
  name: string;
  bytes: Uint8Array;
  /** Whether it is a program. Windows does not ask. */
  executable?: boolean;
}

/** The modification time of everything: the earliest day that a zip archive can name. */
const EPOCH = new Date(1980, 0, 1);

/** A compressed tar archive. */
export async function tarGz(files: readonly ArchiveFile[]): Promise<Uint8Array> {
  const tar = pack();
  const whole = collect(tar as AsyncIterable<Uint8Array>);
  for (const { name, bytes, executable = false } of files) {
    const mode = executable ? 0o755 : 0o644;
    tar.entry({ name, mode, mtime: new Date(0), uid: 0, gid: 0 }, Buffer.from(bytes));
  }
  tar.finalize();
  return gzipSync(await whole, { level: 6, mtime: 0 });
}

/** A zip archive. */
export function zip(files: readonly ArchiveFile[]): Uint8Array {
  return zipSync(
    Object.fromEntries(files.map(({ name, bytes }) => [name, bytes])),
    { level: 6, mtime: EPOCH },
  );
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return joinBytes(await Array.fromAsync(stream));
}
