/**
 * The files of a release beside the binaries: archives, the list of what is in them, checksums of all.
 *
 * @module
 */

import { join } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import { WASM_FILES } from "../../server/builtin/reviewer/grammar.ts";
import { type ArchiveFile, tarGz, zip } from "./archive.ts";
import { checksums } from "./checksums.ts";
import { run } from "./child.ts";
import { ROOT } from "./project.ts";
import { sbom } from "./sbom.ts";
import { archiveName, isWindows, type Target } from "./targets.ts";
import { TaskProblem } from "./task.ts";

/** A binary to release. */
export interface Program {
  target: Target;
  path: string;
  /** Of Deno in it. */
  denoVersion: string;
}

/** Name of the list of what is in the binaries. */
export const SBOM_NAME = `aichaku-${VERSION}.cdx.json`;

/** Milliseconds for `deno info` to look at the program. */
const INFO_MS = 60_000;

/**
 * Writes the files. An archive unpacks to one folder, named as itself, with the program as `aichaku`.
 *
 * @param folder Where they are put; created when missing.
 * @returns their paths.
 */
export async function writeRelease(
  programs: readonly Program[],
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const { target, path } of programs) {
    const archive = join(folder, archiveName(VERSION, target));
    const files = await contentOf(target, path);
    await Deno.writeFile(archive, isWindows(target) ? zip(files) : await tarGz(files));
    written.push(archive);
  }
  const list = join(folder, SBOM_NAME);
  const { denoVersion } = programs[0];
  await Deno.writeTextFile(
    list,
    JSON.stringify(await programSbom({ denoVersion, signal }), null, 2),
  );
  written.push(list);
  const sums = join(folder, "checksums.txt");
  await Deno.writeTextFile(sums, await checksums(written));
  return [...written, sums];
}

async function contentOf(target: Target, path: string): Promise<ArchiveFile[]> {
  const folder = `aichaku-${VERSION}-${target}`;
  const program = isWindows(target) ? "aichaku.exe" : "aichaku";
  return [
    { name: `${folder}/${program}`, bytes: await Deno.readFile(path), executable: true },
    { name: `${folder}/LICENSE`, bytes: await Deno.readFile(join(ROOT, "LICENSE")) },
    { name: `${folder}/README.md`, bytes: await Deno.readFile(join(ROOT, "README.md")) },
  ];
}

async function programSbom({ denoVersion, signal }: { denoVersion: string; signal: AbortSignal }) {
  const { code, stdout, stderr } = await run({
    command: Deno.execPath(),
    args: ["info", "--json", join(ROOT, "main.ts")],
    cwd: ROOT,
  }, { signal, ms: INFO_MS });
  if (code !== 0) throw new TaskProblem(`Cannot look at what main.ts imports:\n${stderr}`);
  const { modules, redirects } = JSON.parse(stdout) as {
    modules: { specifier: string }[];
    redirects: Record<string, string>;
  };
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  return sbom({
    version: VERSION,
    denoVersion,
    imports: [
      ...modules.map(({ specifier }) => specifier),
      // Embedded as files, and therefore no modules.
      ...Object.values(WASM_FILES).map((name) => mapped(name, config.imports)),
    ].map((specifier) => redirects[specifier] ?? specifier)
      .filter((specifier) => specifier.startsWith("npm:")),
    lock: JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock"))),
  });
}

/** A bare specifier by the import map: the longest prefix counts. */
function mapped(name: string, imports: Record<string, string>): string {
  const prefix = Object.keys(imports)
    .filter((key) => name === key || (key.endsWith("/") && name.startsWith(key)))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) throw new Error(`deno.json maps no import for ${name}`);
  return imports[prefix] + name.slice(prefix.length);
}
