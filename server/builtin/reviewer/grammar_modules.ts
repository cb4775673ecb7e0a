/**
 * WebAssembly straight from an npm package. Only for a program that runs from its source: a bundler does
 * not know this kind of import, so that this module is only ever imported by an address made at run
 * time.
 *
 * @module
 */

/** The compiled module of a file in a package, by a specifier of the import map. */
export async function moduleFromPackage(specifier: string): Promise<WebAssembly.Module> {
  // Source phase import: Deno 2.6 and later; the checker (TypeScript 5.9) does not know it yet.
  // @ts-ignore TS18061
  return await import.source(specifier);
}
