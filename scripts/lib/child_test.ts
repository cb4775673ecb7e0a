import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { processStartTime } from "../../platform/process.ts";
import { eventually, PLENTY_MS } from "../../tests/e2e/support/within.ts";
import { Child, run } from "./child.ts";
import { TaskProblem } from "./task.ts";

const { signal } = new AbortController();
const wait = { signal, ms: PLENTY_MS };

/** A shell, told to do something. Tests of process groups have no meaning on Windows. */
function shell(script: string): { command: string; args: string[] } {
  return { command: "/bin/sh", args: ["-c", script] };
}

function unixTest(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os === "windows", fn: body });
}

function isGone(pid: number): Promise<boolean> {
  return eventually(() => processStartTime(pid) === null, `end of process ${pid}`);
}

unixTest("a child is ended together with what it started", async () => {
  let started = 0;
  {
    await using child = new Child(shell("sleep 1000 & echo started $!; wait"));
    const [, pid] = await child.says(/started (\d+)/, wait);
    started = Number(pid);
    assert.notEqual(processStartTime(started), null);
  }
  assert.ok(await isGone(started));
});

unixTest("a child that ignores the polite signal is ended all the same", async () => {
  let pid = 0;
  {
    const deaf = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
    await using child = new Child({ ...deaf, graceMs: 50 });
    await child.says(/ready/, wait);
    ({ pid } = child);
  }
  assert.ok(await isGone(pid));
});

unixTest("what a child should say and does not is told with what it said", async () => {
  await using child = new Child(shell("echo 'no such option' >&2; exit 3"));
  await assert.rejects(
    child.says(/listening/, wait),
    (error) => error instanceof TaskProblem && /did not say .*no such option/s.test(error.message),
  );
});

unixTest("a program that takes too long is ended, and the text says so", async () => {
  await assert.rejects(
    run(shell("exec sleep 1000"), { signal, ms: 50 }),
    (error) => error instanceof TaskProblem && /took longer than 0.05 s/.test(error.message),
  );
});

Deno.test("a program that does not exist is a problem for people", async () => {
  const nothing = { command: "no-such-program-anywhere" };
  assert.throws(() => new Child(nothing), /Cannot start no-such-program-anywhere/);
  await assert.rejects(run(nothing, wait), /Cannot start no-such-program-anywhere/);
});

unixTest("an interrupted task ends what it started, and fails", async () => {
  const lib = fromFileUrl(new URL(".", import.meta.url));
  const task = `
    import { Child } from "${lib}child.ts";
    import { runTask } from "${lib}task.ts";
    await runTask("task", async ({ stack, signal }) => {
      const child = stack.use(new Child({ command: "sleep", args: ["1000"] }));
      console.log("started " + child.pid);
      await child.says(/never/, { signal, ms: 60000 });
      return 0;
    });`;
  const config = fromFileUrl(import.meta.resolve("../../deno.json"));
  await using child = new Child({
    command: Deno.execPath(),
    args: ["eval", "--ext=ts", "--config", config, task],
  });
  const pid = Number((await child.says(/started (\d+)/, wait))[1]);
  Deno.kill(child.pid, "SIGTERM");
  await child.says(/task: interrupted by SIGTERM/, wait);
  assert.equal((await child.status).code, 1);
  assert.ok(await isGone(pid));
});
