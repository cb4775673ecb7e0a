import assert from "node:assert/strict";
import { join } from "@std/path";
import type { CallToolResult } from "../../client/mod.ts";
import { reviewFiles } from "./run.ts";
import { file } from "./targets.ts";
import { finding } from "./testdata.ts";

type Review = (args: Record<string, unknown>, signal: AbortSignal) => Promise<CallToolResult>;

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a reviewer answers that finds one thing in each file. */
function answer({ path, content }: Record<string, unknown>): CallToolResult {
  const findings = [finding({ excerpt: String(content) })];
  const structuredContent = { path, language: "python", findings, rulesVersion: "7" };
  return { content: [], structuredContent };
}

function run(cwd: string, paths: string[], review: Review, deadlineMs = 60_000) {
  const targets = paths.map((path) => file(path, { cwd, isNamed: true }));
  return reviewFiles(targets, { link: { review }, failOn: "high", deadlineMs });
}

Deno.test("reports keep the order of the files, whoever is answered first; each path is shown as given", () =>
  withFolder(async (folder) => {
    const names = ["a.py", "./b.py", join(folder, "c.py")];
    for (const name of ["a.py", "b.py", "c.py"]) await Deno.writeTextFile(join(folder, name), name);
    const waiting: (() => void)[] = [];
    const { files, rulesVersion } = await run(folder, names, (args) => {
      const { promise, resolve } = Promise.withResolvers<CallToolResult>();
      waiting.push(() => resolve(answer(args)));
      if (waiting.length === 3) { for (const release of waiting.reverse()) release(); }
      return promise;
    });
    assert.deepEqual(files.map(({ path }) => path), names);
    assert.deepEqual(files.map(({ findings }) => findings[0].excerpt), ["a.py", "b.py", "c.py"]);
    assert.equal(rulesVersion, "7");
  }));

Deno.test("at most eight files are in work at once", () =>
  withFolder(async (folder) => {
    const names = Array.from({ length: 30 }, (_, index) => `${index}.py`);
    for (const name of names) await Deno.writeTextFile(join(folder, name), "");
    let now = 0;
    let most = 0;
    const { files } = await run(folder, names, async (args) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return answer(args);
    });
    assert.equal(files.length, 30);
    assert.ok(most <= 8 && most > 1, `${most}`);
  }));

Deno.test("a file that cannot be reviewed says why, and the others are reviewed", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "good.py"), "x");
    await Deno.writeFile(join(folder, "binary.py"), new Uint8Array([1, 0, 2]));
    await Deno.writeFile(join(folder, "latin.py"), new Uint8Array([0xe9]));
    await Deno.writeFile(join(folder, "large.py"), new Uint8Array(2 * 1024 * 1024 + 1).fill(97));
    await Deno.mkdir(join(folder, "folder"));
    await Deno.writeTextFile(join(folder, "failing.py"), "x");
    const paths = [
      "gone.py",
      "binary.py",
      "latin.py",
      "large.py",
      "folder",
      "failing.py",
      "good.py",
    ];
    const { files } = await run(
      folder,
      paths,
      (args) =>
        args.path === "failing.py"
          ? Promise.reject(new Error("no reviewer"))
          : Promise.resolve(answer(args)),
    );
    assert.deepEqual(files.map(({ skipped }) => skipped), [
      "there is no such file",
      "a binary file (it has a NUL byte)",
      "not UTF-8 text",
      "too large: more than 2097152 bytes",
      "it is a folder; name its files",
      "no reviewer",
      undefined,
    ]);
    assert.deepEqual(files.map(({ status }) => status), [
      "failed",
      "skipped",
      "skipped",
      "skipped",
      "failed",
      "failed",
      "complete",
    ]);
    assert.deepEqual(files.map(({ findings }) => findings.length), [0, 0, 0, 0, 0, 0, 1]);
  }));

Deno.test("at the deadline the rest is said to be not done", () =>
  withFolder(async (folder) => {
    const names = Array.from({ length: 10 }, (_, index) => `${index}.py`);
    for (const name of names) await Deno.writeTextFile(join(folder, name), "");
    const { files } = await run(folder, names, (_args, signal) => {
      const { promise, reject } = Promise.withResolvers<CallToolResult>();
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    }, 1);
    assert.equal(files.length, 10);
    for (const { skipped } of files) assert.equal(skipped, "not done within 0.001 s");
    assert.ok(files.every(({ status }) => status === "failed"));
  }));
