/**
 * `aichaku review` beside a daemon in every state it can be in: the same bytes and the same exit code as
 * without one, and always an end.
 */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { type CliResult, type DaemonFixture, daemonTest, homeTest } from "../fixtures/daemon.ts";
import { otherVersion } from "./support/other_version.ts";
import { eventually, within } from "./support/within.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** Milliseconds in which a review has ended, whatever the daemon does: a bound, never a measure. */
const DEADLINE_MS = 100_000;
/** Enough for a review to be in the middle of it when something happens. */
const FILES = 300;

/** Folder with files to review, below the fixture's own. */
async function writeFiles({ home }: DaemonFixture): Promise<string> {
  const folder = join(home, "..", "work");
  await Deno.mkdir(folder);
  for (let number = 0; number < FILES; number++) {
    const bad = number % 10 === 3 ? `os.system(f"rm {x}")\n` : "";
    const filler = Array.from({ length: 50 }, (_, line) => `v${line} = ${number}\n`).join("");
    await Deno.writeTextFile(join(folder, `${number}.py`), `import os\n${filler}${bad}`);
  }
  return folder;
}

async function review(daemon: DaemonFixture, folder: string): Promise<CliResult> {
  const args = ["review", ".", "gone.ts", "--format", "json"];
  const running = daemon.command(args, { cwd: folder }).output();
  const { code, stdout, stderr } = await within(running, "end of the review", DEADLINE_MS);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What a review gives when there is no daemon at all. */
async function alone(folder: string): Promise<CliResult> {
  const { DaemonFixture } = await import("../fixtures/daemon.ts");
  await using nobody = await DaemonFixture.create();
  const result = await review(nobody, folder);
  const { summary } = JSON.parse(result.stdout);
  assert.deepEqual([result.code, result.stderr], [1, ""]);
  assert.deepEqual(
    [summary.files, summary.notReviewed, summary.failing],
    [FILES + 1, 1, FILES / 10],
  );
  return result;
}

/** Waits until the daemon's reviewer is at work. */
async function atWork(daemon: DaemonFixture): Promise<void> {
  await eventually(
    () => daemon.log().includes('server ready server="reviewer"'),
    "a reviewer at work",
  );
}

homeTest("review: no daemon", {}, async (daemon) => {
  await alone(await writeFiles(daemon));
});

daemonTest("review: a daemon that runs, and one that is hung", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  assert.deepEqual(await review(daemon, folder), expected);
  await atWork(daemon);
  daemon.suspend();
  assert.deepEqual(await review(daemon, folder), expected);
});

homeTest("review: a daemon that is just starting", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  const starting = daemon.cli("mcp", "--start-server");
  assert.deepEqual(await review(daemon, folder), expected);
  assert.equal((await starting).code, 0);
});

daemonTest("review: a daemon that is killed midway", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  const running = review(daemon, folder);
  await atWork(daemon);
  await daemon.kill9();
  assert.deepEqual(await running, expected);
});

daemonTest("review: a daemon that is stopped midway", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  const running = review(daemon, folder);
  await atWork(daemon);
  await daemon.cli("mcp", "--stop-server");
  assert.deepEqual(await running, expected);
});

daemonTest("review: a daemon that hangs midway", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  const running = review(daemon, folder);
  await atWork(daemon);
  daemon.suspend();
  assert.deepEqual(await running, expected);
});

homeTest("review: a daemon of another version", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  for (const protocol of [{ min: 1, max: 1 }, { min: 98, max: 99 }]) {
    await using other = await otherVersion(ROOT, { version: "98.0.0", protocol });
    const started = await other.cli(daemon, "mcp", "--start-server");
    assert.equal(started.code, 0, started.stderr);
    assert.deepEqual(await review(daemon, folder), expected);
    await other.cli(daemon, "mcp", "--stop-server");
  }
});

homeTest("review: another program on the port of a daemon that died", {}, async (daemon) => {
  const folder = await writeFiles(daemon);
  const expected = await alone(folder);
  assert.equal((await daemon.cli("mcp", "--start-server")).code, 0);
  const port = Number(new URL(daemon.url).port);
  await daemon.kill9();
  // It answers everything with success, and knows nothing.
  const squatter = Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {} },
    () => Response.json({ status: "ok", instanceId: daemon.instanceId }),
  );
  try {
    assert.deepEqual(await review(daemon, folder), expected);
  } finally {
    await squatter.shutdown();
  }
});
