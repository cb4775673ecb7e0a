/**
 * Puts the WebAssembly that a compiled program carries into a folder:
 *
 *     deno run -A --unstable-raw-imports scripts/lib/put_wasm_files.ts FOLDER
 *
 * The files come from their npm packages. They are not named `.wasm`: the compiler would take them for
 * modules and look for their imports.
 *
 * @module
 */

import { join } from "@std/path";
import { WASM_FILES } from "../../server/builtin/reviewer/grammar.ts";

const [folder] = Deno.args;
await Deno.mkdir(folder, { recursive: true });
for (const [name, specifier] of Object.entries(WASM_FILES)) {
  const { default: bytes } = await import(specifier, { with: { type: "bytes" } });
  await Deno.writeFile(join(folder, `${name}.bin`), bytes);
}
