/**
 * Runs the tests and closes with one line that machines can read: `N passed, N failed`.
 *
 *     deno task test                everything but the heavy rounds
 *     deno task test tests/e2e      some of it
 *     deno task chaos               the heavy rounds
 *
 * Exits as `deno test` does. A run without a single test is a failure.
 *
 * @module
 */

const HEAVY = "tests/chaos/";

const [first, ...rest] = Deno.args;
const chaos = first === "chaos";
const chosen = chaos ? rest : Deno.args;
const what = chosen.length > 0 ? chosen : chaos ? [HEAVY] : [];
const ignore = chaos || chosen.length > 0 ? [] : [`--ignore=${HEAVY},dist/`];

const child = new Deno.Command(Deno.execPath(), {
  // A type error must fail the gate, but not cost every run of one test: `deno task check` has it.
  args: ["test", "-A", "--no-check", "--parallel", ...ignore, ...what],
  stdout: "piped",
  stderr: "inherit",
  env: { NO_COLOR: "1" },
}).spawn();

let output = "";
const decoder = new TextDecoder();
for await (const chunk of child.stdout) {
  await Deno.stdout.write(chunk);
  // Only the summary matters, and it comes last.
  output = (output + decoder.decode(chunk, { stream: true })).slice(-10_000);
}
const { code } = await child.status;
const passed = Number(
  /(\d+) passed/.exec(output.slice(output.lastIndexOf(" passed") - 12))?.[1] ?? 0,
);
const failed = Number(
  /(\d+) failed/.exec(output.slice(output.lastIndexOf(" failed") - 12))?.[1] ?? 0,
);
// A file that does not load, or a leak outside a test, fails the run without failing a test.
const failures = code !== 0 && failed === 0 ? 1 : failed;
console.log(`\n${passed} passed, ${failures} failed`);
Deno.exit(code !== 0 || passed === 0 ? 1 : 0);
