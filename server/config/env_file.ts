/**
 * The file that `envFile` of an entry names: `NAME=value` lines with comments, quotes and `export`,
 * as dotenv has them. References in its values are not expanded.
 *
 * @module
 */

import { parseEnv } from "node:util";
import { decodeText } from "./text.ts";

/** Far more than variables need; protects from a path that leads to something else. */
const LARGEST_BYTES = 1024 * 1024;

/**
 * Reads such a file.
 *
 * @param file Absolute path.
 * @returns Its variables, or what is wrong, as the end of a sentence that begins with the path.
 */
export async function readEnvFile(
  file: string,
): Promise<{ env: Record<string, string> } | { problem: string }> {
  try {
    const info = await Deno.stat(file);
    if (!info.isFile) return { problem: "is not a file" };
    if (info.size > LARGEST_BYTES) return { problem: `is larger than ${LARGEST_BYTES} bytes` };
    const text = decodeText(await Deno.readFile(file));
    if (text === undefined) return { problem: "is not UTF-8 text; save it as UTF-8" };
    const env: [string, string][] = [];
    for (const [name, value] of Object.entries(parseEnv(text))) {
      if (value === undefined) continue;
      if (name === "" || /[=\0]/.test(name) || value.includes("\0")) {
        return { problem: "holds a name or value that no environment can hold" };
      }
      env.push([name, value]);
    }
    return { env: Object.fromEntries(env) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { problem: "does not exist; create it, or correct the path" };
    }
    // Any other failure (permissions, an impossible path) fails this server alone. The message of the
    // system is left out: it repeats the path, and a variable may be part of that.
    const kind = error instanceof Error ? error.name : "unknown error";
    return { problem: `cannot be read (${kind}); make it a readable file` };
  }
}
