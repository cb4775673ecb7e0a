/**
 * Which folder a client's words for its project mean, and whether it may be one.
 *
 * Guarantees: a folder that {@linkcode resolveProject} gives existed, was a folder, and lay inside one
 * of the allowed roots with every symbolic link on the way followed, in the roots too. Two ways to
 * write one folder give the same text. Of paths outside of the roots nothing is told, not even whether
 * they exist. It does not guarantee what becomes of the folder afterwards: who may write there can
 * still replace it.
 *
 * @module
 */

import { normalize } from "@std/path";
import { Fault, type Reason } from "../../protocol/errors.ts";
import { quote } from "./document.ts";

/** The longest path that is looked at, in characters. Linux takes no longer one, either. */
const LONGEST = 4096;

/** Where a project may be, and how to find out. */
export interface ProjectOptions {
  /** `server.projectRoots`: absolute folders; those that do not exist allow nothing. */
  roots: readonly string[];
  /** The path without symbolic links. Default `Deno.realPath`. */
  realPath?(path: string): Promise<string>;
  /** What stands at a path. Default `Deno.stat`. */
  stat?(path: string): Promise<{ isDirectory: boolean }>;
  /** The operating system whose paths these are. Default the one this runs on. */
  os?: typeof Deno.build.os;
}

/**
 * The folder that a client's text names.
 *
 * @param text An absolute path, or a `file://` address as MCP roots are.
 * @returns The folder without symbolic links.
 * @throws {Fault} `invalid_params` for what names no existing folder, `not_permitted` for one outside
 * of the roots. Each says which value, why, and what to do.
 */
export async function resolveProject(text: string, options: ProjectOptions): Promise<string> {
  const { realPath = Deno.realPath, stat = Deno.stat, os = Deno.build.os } = options;
  const path = readPath(text, os);
  const roots = [];
  for (const root of options.roots) {
    try {
      roots.push(await realPath(root));
    } catch {
      // A root that is not there, or that may not be entered, allows nothing.
    }
  }
  let folder: string;
  let isFolder: boolean;
  try {
    folder = await realPath(path);
    // A folder outside is refused before anything is told of it.
    if (!isInside(folder, roots)) throw outside();
    isFolder = (await stat(folder)).isDirectory;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    if (!isInside(normalize(path), [...options.roots, ...roots])) throw outside();
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      throw refusal("invalid_params", text, "there is no such folder; correct the path", cause);
    }
    const kind = cause instanceof Error ? cause.name : "unknown error";
    throw refusal("not_permitted", text, `it cannot be looked at (${kind})`, cause);
  }
  if (!isFolder) {
    throw refusal("invalid_params", text, "it is not a folder; name the folder it is in");
  }
  return folder;

  function isInside(candidate: string, roots: readonly string[]): boolean {
    return roots.some((root) => contains(root, candidate, os));
  }

  function outside(): Fault {
    const allowed = options.roots.map(quote).join(", ") || "which is empty";
    return refusal(
      "not_permitted",
      text,
      `it is outside of the folders that projects may be in (${allowed}); ` +
        'choose one inside, or add its parent to "projectRoots" of "server" in config.json',
    );
  }
}

/**
 * The path in the address of a root that a client declares (RFC 8089).
 *
 * @returns undefined when it is no address of a folder on this machine: another scheme or host, a query
 * or fragment, an escape that cannot be decoded or would be a separator or a NUL.
 */
export function projectOfRootUri(
  uri: string,
  { os = Deno.build.os }: { os?: typeof Deno.build.os } = {},
): string | undefined {
  const url = /^file:\//i.test(uri) ? URL.parse(uri) : null;
  // The parser has already turned `localhost` into no host.
  if (!url || url.host !== "" || url.search !== "" || url.hash !== "") return undefined;
  const isWindows = os === "windows";
  if ((isWindows ? /%(?:00|2f|5c)/i : /%(?:00|2f)/i).test(url.pathname)) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
  if (!isWindows) return path;
  return /^\/[A-Za-z]:(?:\/|$)/.test(path) ? path.slice(1).replaceAll("/", "\\") : undefined;
}

/** The absolute path that a text names; nothing is looked up. */
function readPath(text: string, os: typeof Deno.build.os): string {
  const refuse = (because: string) => refusal("invalid_params", text, because);
  if (text.length > LONGEST) throw refuse(`it is longer than ${LONGEST} characters`);
  if (text.includes("\0")) throw refuse("it holds a NUL character");
  if (/^file:/i.test(text)) {
    const path = projectOfRootUri(text, { os });
    if (path !== undefined) return path;
    throw refuse("it is no address of a folder on this machine, such as file:///home/ada/work");
  }
  if (os === "windows") {
    // Only to look at a folder of another machine already gives that machine the user's name.
    if (/^[\\/]{2}/.test(text)) throw refuse("it is a path of the network or of a device");
    if (/^[A-Za-z]:[\\/]/.test(text)) return text;
  } else if (text.startsWith("/")) return text;
  throw refuse(
    "it is not absolute, and there is no folder that a relative path could start from; " +
      "write the whole path",
  );
}

/** Whether `path` is `root` or below it; both absolute, without symbolic links. */
function contains(root: string, path: string, os: typeof Deno.build.os): boolean {
  // Windows has one file under every spelling of its case.
  const [above, below] = os === "windows"
    ? [root, path].map((text) => text.replaceAll("/", "\\").toLowerCase())
    : [root, path];
  const separator = os === "windows" ? "\\" : "/";
  return below === above ||
    below!.startsWith(above!.endsWith(separator) ? above! : above + separator);
}

function refusal(reason: Reason, text: string, because: string, cause?: unknown): Fault {
  return new Fault(reason, `Cannot use the project ${quote(text)}: ${because}`, { cause });
}
