/**
 * Reviews the code of real npm packages, to see that the reviewer neither crashes nor hangs, how fast it
 * is, and what it finds where nobody planted anything:
 *
 *     deno run -A scripts/review_corpus.ts                    numbers, and 50 random findings
 *     deno run -A scripts/review_corpus.ts --sample 20 --seed 7 --rule js-eval --list FILE
 *
 * The packages are fetched by npm into `.cache/corpus`, without running anything of theirs. The work is
 * done as in the daemon: by processes that can be ended, behind a cache.
 *
 * @module
 */

import { join, relative } from "@std/path";
import { parseArgs } from "node:util";
import { systemClock } from "../platform/clock.ts";
import { selfCommand } from "../platform/self.ts";
import { cachedAnalyzer } from "../server/builtin/reviewer/analyzer_cache.ts";
import { AnalyzerPool } from "../server/builtin/reviewer/analyzer_pool.ts";
import { languageOf } from "../server/builtin/reviewer/language.ts";
import type { Finding, ReviewResult } from "../server/builtin/reviewer/result.ts";
import { decodeSource } from "../server/builtin/reviewer/source.ts";
import { startWorker } from "../server/builtin/reviewer/worker_process.ts";
import { run } from "./lib/child.ts";
import { cacheFolder, ROOT } from "./lib/project.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

/** Servers, databases, browsers, build tools, Python in `node-gyp`: where such problems live. */
const PACKAGES = [
  "express@5.1.0",
  "koa@3.0.1",
  "fastify@5.6.0",
  "sequelize@6.37.7",
  "knex@3.1.0",
  "typeorm@0.3.27",
  "mongoose@8.18.0",
  "mysql2@3.14.0",
  "shelljs@0.10.0",
  "node-gyp@11.4.0",
  "jquery@3.7.1",
  "ejs@3.1.10",
  "pug@3.0.3",
  "handlebars@4.7.8",
  "jsonwebtoken@9.0.2",
  "axios@1.12.0",
  "webpack@5.101.0",
  "grunt@1.6.1",
  "puppeteer-core@24.20.0",
  "socket.io@4.8.1",
  "pm2@6.0.8",
  "svelte@5.38.0",
];

/** Milliseconds for npm to fetch them. */
const INSTALL_MS = 600_000;
/** Texts handed over at once; more than there are processes, so that none waits. */
const CONCURRENCY = 4;
const PROCESSES = 2;

interface Found {
  file: string;
  finding: Finding;
}

async function reviewCorpus({ stack, signal }: Task): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      sample: { type: "string", default: "50" },
      seed: { type: "string", default: "1" },
      rule: { type: "string" },
      list: { type: "string" },
    },
  });
  const folder = await fetchPackages(signal);
  const files = await sourceFiles(folder);
  const self = selfCommand({
    url: import.meta.url,
    filename: join(ROOT, "main.ts"),
    dirname: ROOT,
  });
  const pool = new AnalyzerPool({
    start: (events) => startWorker(self, events),
    clock: systemClock,
    size: PROCESSES,
  });
  const analyzer = cachedAnalyzer(pool, { maxEntries: files.length, maxLength: 256 << 20 });
  stack.use(analyzer);

  const reviewAll = async () => {
    const results: ReviewResult[] = [];
    let next = 0;
    const began = performance.now();
    await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
      for (let at = next++; at < files.length; at = next++) {
        signal.throwIfAborted();
        const path = relative(folder, files[at]);
        const source = decodeSource(await Deno.readFile(files[at]));
        const content = "text" in source ? source.text : "\0";
        results[at] = await analyzer.review({ path, content }, signal);
      }
    }));
    return { results, seconds: (performance.now() - began) / 1_000 };
  };
  const cold = await reviewAll();
  const warm = await reviewAll();

  const { results } = cold;
  const found = results.flatMap(({ path, findings }) =>
    findings.map((finding): Found => ({ file: path, finding }))
  );
  const chosen = found.filter(({ finding }) => [undefined, finding.rule].includes(values.rule));
  console.log(`${files.length} files of ${PACKAGES.length} packages and what they need`);
  console.log(`cold: ${rate(files, cold.seconds)}; warm: ${rate(files, warm.seconds)}`);
  console.log(counts("files", results.map(({ status, skipped }) => reasonOf(status, skipped))));
  console.log(counts("findings", found.map(({ finding }) => finding.rule)));
  console.log(`${values.sample} random findings, seed ${values.seed}:`);
  for (const { file, finding } of sample(chosen, Number(values.sample), Number(values.seed))) {
    console.log(
      `${file}:${finding.line}:${finding.column} ${finding.rule}\n    ${finding.excerpt}`,
    );
  }
  if (values.list !== undefined) {
    await Deno.writeTextFile(values.list, JSON.stringify(found, null, 1));
  }
  return results.some(({ status }) => status === "failed") ? 1 : 0;
}

/** Installs the packages if they are not there yet. Returns their folder. */
async function fetchPackages(signal: AbortSignal): Promise<string> {
  const folder = await cacheFolder("corpus");
  const list = join(folder, "packages.json");
  const wanted = JSON.stringify(PACKAGES);
  const present = await Deno.readTextFile(list).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  if (present === wanted) return join(folder, "node_modules");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, stderr } = await run(
    { command: "npm", args: ["install", ...flags, "--prefix", folder, ...PACKAGES] },
    { signal, ms: INSTALL_MS },
  );
  if (code !== 0) throw new TaskProblem(`npm cannot install the corpus:\n${stderr}`);
  await Deno.writeTextFile(list, wanted);
  return join(folder, "node_modules");
}

async function sourceFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for await (const entry of Deno.readDir(at)) {
      const path = join(at, entry.name);
      if (entry.isDirectory) folders.push(path);
      else if (entry.isFile && !/\.d\.[cm]?ts$/.test(path) && languageOf(path, "") !== undefined) {
        files.push(path);
      }
    }
  }
  return files.sort();
}

function rate(files: readonly string[], seconds: number): string {
  return `${seconds.toFixed(1)} s, ${(files.length / seconds).toFixed(0)} files/s`;
}

/** A reason without what differs from file to file. */
function reasonOf(status = "complete", skipped = ""): string {
  return `${status} ${skipped.replace(/\d[\d, ]*/g, "N ")}`.trim();
}

function counts(what: string, names: readonly string[]): string {
  const byName = new Map<string, number>();
  for (const name of names) byName.set(name, (byName.get(name) ?? 0) + 1);
  const rows = [...byName].sort((a, b) => b[1] - a[1]).map(([name, n]) => `  ${n}  ${name}`);
  return `${what}: ${names.length}\n${rows.join("\n")}`;
}

/** `count` of them, the same for the same seed. */
function sample<T>(all: readonly T[], count: number, seed: number): T[] {
  const rest = [...all];
  const taken: T[] = [];
  let state = seed >>> 0;
  while (taken.length < count && rest.length > 0) {
    // A linear congruential generator (Numerical Recipes): chance enough to choose by.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    taken.push(...rest.splice(Math.floor(state / 2 ** 32 * rest.length), 1));
  }
  return taken;
}

await runTask("review_corpus", reviewCorpus);
