/**
 * Starting a process that outlives this one and its terminal.
 *
 * @module
 */

/** Options of {@linkcode spawnDetached}. */
export interface DetachOptions {
  command: string;
  args: readonly string[];
  /** Folder it runs in; must exist. */
  cwd: string;
  /** Added to the environment it inherits. */
  env: Record<string, string>;
  /** Its standard output and error are appended here, so that an early crash leaves a trace (Unix). */
  outputFile: string;
}

/** A process that was started and will outlive this one. */
export interface DetachedProcess {
  pid: number;
  /** Its end. Keeps this process alive until {@linkcode letGo}. */
  status: Promise<Deno.CommandStatus>;
  /** From here on its life no longer keeps this process alive. */
  letGo(): void;
  /** Ends it: a start that failed leaves nothing behind. */
  kill(): void;
}

/**
 * Starts a program in a session of its own.
 *
 * Only through `Deno.Command`: Node's `spawn` rewrites the arguments of a `deno` executable. Its stdio
 * cannot be a file, hence the `sh` that redirects and then becomes the program (same process id). On
 * Windows there is no such step and what the program writes is lost.
 */
export function spawnDetached(options: DetachOptions): DetachedProcess {
  const { cwd, env, outputFile } = options;
  const { program, args } = detachedCommand(options);
  if (Deno.build.os !== "windows") createPrivately(outputFile);
  const child = new Deno.Command(program, {
    args,
    cwd,
    env,
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    pid: child.pid,
    status: child.status,
    letGo: () => child.unref(),
    kill: () => endQuietly(child),
  };
}

/** What is started for it. */
export function detachedCommand(
  { command, args, outputFile }: Pick<DetachOptions, "command" | "args" | "outputFile">,
  os: typeof Deno.build.os = Deno.build.os,
): { program: string; args: string[] } {
  if (os === "windows") return { program: command, args: [...args] };
  const script = 'out=$1; shift; exec "$@" >>"$out" 2>&1';
  return { program: "/bin/sh", args: ["-c", script, "sh", outputFile, command, ...args] };
}

/** `>>` alone would create the file with the mode of the caller's umask. */
function createPrivately(path: string): void {
  Deno.openSync(path, { create: true, append: true, mode: 0o600 }).close();
}

function endQuietly(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // Gone already, which is what was wanted. Deno says so with a TypeError.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
