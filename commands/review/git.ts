/**
 * Asking git. Nothing that a repository configures is run: no monitor, no pager, no external diff.
 *
 * @module
 */

/** Git could not be asked, or refused; the message is git's own. */
export class GitError extends Error {
  override name = "GitError";
}

/** Options of {@linkcode git}. */
export interface GitOptions {
  /** Folder to ask in. */
  cwd: string;
  /**
   * The environment. A hook is run with variables that name its repository and its index, which count:
   * they are left out where another repository is meant ({@linkcode withoutRepository}).
   */
  env: Record<string, string>;
  signal?: AbortSignal;
}

/** What git printed. @throws {GitError} */
export async function git(
  args: readonly string[],
  { cwd, env, signal }: GitOptions,
): Promise<Uint8Array> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("git", {
      args: ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-pager", ...args],
      cwd,
      env: { ...env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal,
    }).output();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const why = error instanceof Error ? error.message : String(error);
    throw new GitError(`git cannot be run: ${why}`, { cause: error });
  }
  if (output.success) return output.stdout;
  const said = new TextDecoder().decode(output.stderr).trim();
  throw new GitError(said || `git ${args[0]} ended with code ${output.code}`);
}

/** The same as text. */
export async function gitText(args: readonly string[], options: GitOptions): Promise<string> {
  return new TextDecoder().decode(await git(args, options));
}

/** What was printed with `-z`. */
export function fields(text: string): string[] {
  const all = text.split("\0");
  all.pop(); // Each field is ended by a NUL, the last one as well.
  return all;
}

/** The environment without what names a repository: git looks for the one around its folder. */
export function withoutRepository(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
}
