/**
 * Parsers for the languages that have rules, as WebAssembly from npm. Each grammar is loaded when the
 * first file needs it, and once.
 *
 * Where they come from: from the packages when the program runs from its source; from files beside the
 * program when it is compiled (`scripts/compile.ts` puts them there).
 *
 * @module
 */

import { Language as Grammar, Parser } from "web-tree-sitter";

/** Grammars that can be loaded. A language may have several: TypeScript with and without JSX. */
export type GrammarName = "javascript" | "typescript" | "tsx" | "python";

/**
 * What a compiled program carries, by name: the file in its package, which is embedded as
 * `wasm/NAME.gz` beside the program's entry.
 */
export const WASM_FILES: Readonly<Record<string, string>> = {
  "web-tree-sitter": "web-tree-sitter/web-tree-sitter.wasm",
  "tree-sitter-javascript": "@vscode/tree-sitter-wasm/wasm/tree-sitter-javascript.wasm",
  "tree-sitter-typescript": "@vscode/tree-sitter-wasm/wasm/tree-sitter-typescript.wasm",
  "tree-sitter-tsx": "@vscode/tree-sitter-wasm/wasm/tree-sitter-tsx.wasm",
  "tree-sitter-python": "@vscode/tree-sitter-wasm/wasm/tree-sitter-python.wasm",
};

const grammars = new Map<GrammarName, Promise<Grammar>>();
let runtime: Promise<void> | undefined;

/** A parser for one text at a time. Delete it after use: its memory is not JavaScript's. */
export async function newParser(name: GrammarName): Promise<{ parser: Parser; grammar: Grammar }> {
  await (runtime ??= loadRuntime());
  let loading = grammars.get(name);
  if (loading === undefined) {
    loading = wasmModule(`tree-sitter-${name}`).then((module) => Grammar.loadSync(module));
    grammars.set(name, loading);
  }
  const grammar = await loading;
  return { parser: new Parser().setLanguage(grammar), grammar };
}

async function loadRuntime(): Promise<void> {
  const module = await wasmModule("web-tree-sitter");
  await Parser.init({
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance, module);
      return instance.exports;
    },
  });
}

async function wasmModule(name: string): Promise<WebAssembly.Module> {
  if (Deno.build.standalone) {
    const packed = await Deno.readFile(new URL(`./wasm/${name}.gz`, import.meta.url));
    const bytes = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await WebAssembly.compile(await new Response(bytes).bytes());
  }
  // An address made at run time, so that no bundler follows it.
  const { moduleFromPackage } = await import(new URL("./grammar_modules.ts", import.meta.url).href);
  return await moduleFromPackage(WASM_FILES[name]);
}
