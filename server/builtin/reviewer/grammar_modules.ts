/**
 * The grammars and the parser's runtime straight from their npm packages, as compiled WebAssembly. Only
 * for a program that runs from its source: a bundler does not know this kind of import, so that this
 * module is only ever imported by an address made at run time.
 *
 * @module
 */

const MODULES: Record<string, () => Promise<WebAssembly.Module>> = {
  // Source phase imports: Deno 2.6 and later; the checker (TypeScript 5.9) does not know them yet.
  // deno-fmt-ignore-start
  // @ts-ignore TS18061
  "web-tree-sitter": () => import.source("web-tree-sitter/web-tree-sitter.wasm"),
  // @ts-ignore TS18061
  "tree-sitter-javascript": () =>
    import.source("@vscode/tree-sitter-wasm/wasm/tree-sitter-javascript.wasm"),
  // @ts-ignore TS18061
  "tree-sitter-typescript": () =>
    import.source("@vscode/tree-sitter-wasm/wasm/tree-sitter-typescript.wasm"),
  // @ts-ignore TS18061
  "tree-sitter-tsx": () => import.source("@vscode/tree-sitter-wasm/wasm/tree-sitter-tsx.wasm"),
  // @ts-ignore TS18061
  "tree-sitter-python": () =>
    import.source("@vscode/tree-sitter-wasm/wasm/tree-sitter-python.wasm"),
  // deno-fmt-ignore-end
};

/** The module of this name, of {@linkcode WASM_FILES}. */
export async function moduleFromPackage(name: string): Promise<WebAssembly.Module> {
  return await MODULES[name]();
}
