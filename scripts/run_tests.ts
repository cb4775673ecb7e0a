/**
 * Runs the tests and closes with one line that machines can read: `N passed, N failed`.
 *
 *     deno task test                everything but the heavy rounds and the binary
 *     deno task test tests/e2e      some of it
 *     deno task test binary         compiles, and runs what a binary can do differently against it
 *     deno task test all            both, and one line for both: what continuous integration runs
 *     deno task chaos               the heavy rounds
 *
 * Exits 1 when a test fails, when a run fails without a failing test (a file that does not load), and
 * when a run has not a single test.
 *
 * `binary` takes the binary that `AICHAKU_TEST_BIN` names, and compiles one when it names none: with the
 * official base, or where that cannot be had with the one for tests, and says so.
 *
 * @module
 */

import { build } from "./lib/build.ts";
import { hostTarget } from "./lib/targets.ts";
import { runTask, type Task } from "./lib/task.ts";

/** Not for every day. */
const HEAVY = "tests/chaos/";

/** What only the binary can do. */
const BINARY_ONLY = "tests/packaging/binary/";

/** One run of `deno test`. */
interface Run {
  args: string[];
  env?: Record<string, string>;
}

/** How many tests. */
interface Counts {
  passed: number;
  failed: number;
}

async function main({ signal }: Task): Promise<number> {
  const [first, ...rest] = Deno.args;
  const everyday = { args: [`--ignore=${HEAVY},${BINARY_ONLY},dist/`] };
  switch (first) {
    case undefined:
      return await runAll(signal, [() => [everyday]]);
    case "chaos":
      return await runAll(signal, [() => [{ args: rest.length > 0 ? rest : [HEAVY] }]]);
    case "binary":
      return await runAll(signal, [() => againstBinary(signal)]);
    case "all":
      return await runAll(signal, [() => [everyday], () => againstBinary(signal)]);
    default:
      return await runAll(signal, [() => [{ args: Deno.args }]]);
  }
}

/** Start, stop, self-respawn, the bridge, review and its fallback, the reaper; packages and installer. */
async function againstBinary(signal: AbortSignal): Promise<Run[]> {
  let path = Deno.env.get("AICHAKU_TEST_BIN");
  if (!path) {
    const options = { targets: [hostTarget()], base: "official or test", signal } as const;
    [{ path }] = await build({ ...options, say: console.log });
  }
  const env = { AICHAKU_TEST_BIN: path };
  const e2e = (name: string) => `tests/e2e/${name}_test.ts`;
  const whole = ["daemon", "call", "review_daemon", "restart", "login_shell"].map(e2e);
  // All but "the daemon's own errors": the Deno 2.7.11 of the base for tests loses the answer to a body
  // that is too long to be read to its end, because the connection is reset first. 2.9.6 does not.
  const bridge = path.endsWith("-test") ? ["--filter", "/^(?:[^t]|the official)/"] : [];
  return [
    { args: [...whole, "tests/packaging/"], env },
    { args: [...bridge, e2e("stdio_bridge")], env },
    { args: ["--filter", "kill -9", e2e("lifecycle")], env },
  ];
}

/** Runs one after the other, whatever became of the one before. @returns the exit code. */
async function runAll(
  signal: AbortSignal,
  groups: (() => Run[] | Promise<Run[]>)[],
): Promise<number> {
  const sum = { passed: 0, failed: 0 };
  for (const group of groups) {
    for (const one of await group()) {
      const { passed, failed } = await deno(one, signal);
      sum.passed += passed;
      sum.failed += failed;
    }
  }
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
  return sum.failed > 0 ? 1 : 0;
}

async function deno({ args, env = {} }: Run, signal: AbortSignal): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    // A type error must fail the gate, but not cost every run of one test: `deno task check` has it.
    args: ["test", "-A", "--no-check", "--parallel", ...args],
    stdout: "piped",
    stderr: "inherit",
    env: { NO_COLOR: "1", ...env },
    signal,
  }).spawn();

  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    // Only the summary matters, and it comes last.
    output = (output + decoder.decode(chunk, { stream: true })).slice(-10_000);
  }
  const { code } = await child.status;
  const passed = lastNumber(output, "passed");
  const failed = lastNumber(output, "failed");
  // A file that does not load, a leak outside a test, or no test at all is a failure as well.
  const isWrong = code !== 0 || passed + failed === 0;
  return { passed, failed: isWrong ? Math.max(1, failed) : failed };
}

/** The number before the last `word` of the summary: `ok | 28 passed | 0 failed (29s)`. */
function lastNumber(output: string, word: string): number {
  const last = [...output.matchAll(new RegExp(`(\\d+) ${word}`, "g"))].at(-1);
  return Number(last?.[1] ?? 0);
}

await runTask("test", main);
