/**
 * Puts the WebAssembly that a compiled program carries into a folder:
 *
 *     deno run -A --unstable-raw-imports scripts/lib/put_wasm_files.ts FOLDER
 *
 * The files come from their npm packages. They are compressed, because a compiled program reads all that
 * is embedded in it at every start: 1 ms for each MB.
 *
 * @module
 */

import { join } from "@std/path";
import { WASM_FILES } from "../../server/builtin/reviewer/grammar.ts";

const [folder] = Deno.args;
await Deno.mkdir(folder, { recursive: true });
for (const [name, specifier] of Object.entries(WASM_FILES)) {
  const { default: bytes } = await import(specifier, { with: { type: "bytes" } });
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(join(folder, `${name}.gz`), packed);
}
