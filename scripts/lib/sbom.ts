/**
 * What is in the binary, as a CycloneDX 1.6 document: the program, the Deno it is made with, and the npm
 * packages that the program imports, with theirs, at the versions and hashes of deno.lock. What only
 * tests and tasks use is not in it.
 *
 * A package is listed with all it depends on, although the bundle leaves out modules that nobody
 * imports: the list may say too much, never too little.
 *
 * Source: https://cyclonedx.org/docs/1.6/json/
 *
 * @module
 */

/** What deno.lock (version 5) says of an npm package. */
interface LockedPackage {
  /** `sha512-` and base64. */
  integrity?: string;
  /** `name`, or `name@version…` where several versions are locked. */
  dependencies?: string[];
  optionalPeers?: string[];
}

/** The part of deno.lock that is read. */
export interface Lock {
  version: string;
  /** `npm:hono@4.13.19` → `4.13.19`. */
  specifiers: Record<string, string>;
  npm: Record<string, LockedPackage>;
}

/** What the document is about. */
export interface SbomOptions {
  version: string;
  /** Of Deno in the binary. */
  denoVersion: string;
  /** `npm:` specifiers that the program imports: `npm:/hono@4.13.19/sse`. */
  imports: readonly string[];
  lock: Lock;
}

/** A component of the document. */
export interface Component {
  type: "application" | "library" | "platform";
  "bom-ref": string;
  name: string;
  group?: string;
  version: string;
  purl?: string;
  hashes?: { alg: "SHA-512"; content: string }[];
}

/** The document. */
export interface Sbom {
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  version: 1;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/**
 * Makes the document.
 *
 * @throws when an import is not in the lock: then the lock is not that of the program.
 */
export function sbom({ version, denoVersion, imports, lock }: SbomOptions): Sbom {
  if (lock.version !== "5") throw new Error(`Cannot read deno.lock of version ${lock.version}`);
  const program: Component = {
    type: "application",
    "bom-ref": "aichaku",
    name: "aichaku",
    version,
  };
  const deno: Component = {
    type: "platform",
    "bom-ref": "deno",
    name: "deno",
    version: denoVersion,
    purl: `pkg:github/denoland/deno@v${denoVersion}`,
  };
  const direct = [...new Set(imports.map((specifier) => keyOfImport(specifier, lock)))].sort();
  const all = closure(direct, lock);
  const refOf = (key: string) => purlOf(key);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: program },
    components: [deno, ...all.map((key) => component(key, lock.npm[key]))],
    dependencies: [
      { ref: "aichaku", dependsOn: ["deno", ...direct.map(refOf)] },
      ...all.map((key) => ({
        ref: refOf(key),
        dependsOn: dependenciesOf(key, lock).map(refOf).sort(),
      })),
    ],
  };
}

/** Every package that these need, themselves included, sorted. */
function closure(keys: readonly string[], lock: Lock): string[] {
  const all = new Set(keys);
  // A set grows while it is walked: what was just added brings its own.
  for (const key of all) {
    for (const dependency of dependenciesOf(key, lock)) all.add(dependency);
  }
  return [...all].sort();
}

function dependenciesOf(key: string, lock: Lock): string[] {
  return (lock.npm[key].dependencies ?? []).map((name) => keyOf(name, lock));
}

/** `npm:/@scope/name@1.2.3/sub/path` → its key in the lock. */
function keyOfImport(specifier: string, lock: Lock): string {
  const [, name, version] = /^npm:\/?((?:@[^/]+\/)?[^/@]+)@([^/]+)/.exec(specifier) ?? [];
  const locked = lock.specifiers[`npm:${name}@${version}`];
  if (locked === undefined) throw new Error(`${specifier} is not in deno.lock. Run: deno install`);
  return keyOf(`${name}@${locked}`, lock);
}

/** A name alone stands for the only version there is. */
function keyOf(name: string, lock: Lock): string {
  if (Object.hasOwn(lock.npm, name)) return name;
  const found = Object.keys(lock.npm).filter((key) => key.startsWith(`${name}@`));
  if (found.length === 1) return found[0];
  throw new Error(`deno.lock has ${found.length} packages for ${name}, and should have 1`);
}

/** Name and version of a key; what follows a `_` names the peers it was resolved with. */
function nameAndVersion(key: string): { name: string; version: string } {
  const at = key.indexOf("@", 1);
  return { name: key.slice(0, at), version: key.slice(at + 1).replace(/_.*$/, "") };
}

function purlOf(key: string): string {
  const { name, version } = nameAndVersion(key);
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function component(key: string, { integrity }: LockedPackage): Component {
  const { name, version } = nameAndVersion(key);
  const [group, rest] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const [, base64] = /^sha512-(.+)$/.exec(integrity ?? "") ?? [];
  return {
    type: "library",
    "bom-ref": purlOf(key),
    ...(group === undefined ? {} : { group }),
    name: rest,
    version,
    purl: purlOf(key),
    ...(base64 === undefined ? {} : {
      hashes: [{ alg: "SHA-512", content: Uint8Array.fromBase64(base64).toHex() }],
    }),
  };
}
