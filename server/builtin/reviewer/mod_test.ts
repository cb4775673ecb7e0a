import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "@std/path";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { type Analyzer, localAnalyzer } from "./analyzer.ts";
import { createReviewer, type ReviewerOptions } from "./mod.ts";
import type { ProjectResult } from "./project.ts";
import { RULES } from "./rules.ts";

interface World {
  folder: string;
  outside: string;
  client: Client;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
}

interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (progress: { progress: number; total?: number }) => void;
}

interface Answer {
  // What tools say differs by tool, and is what the tests look at.
  // deno-lint-ignore no-explicit-any
  data: any;
  error: string | undefined;
}

interface Setup extends Partial<ReviewerOptions> {
  /** Folders the client declares, made from the world's. */
  declares?: (world: { folder: string; outside: string }) => string[];
}

/** A server and a client around a project on disk. */
async function withWorld(
  setup: (world: { folder: string; outside: string }) => Setup,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const base = await Deno.realPath(await Deno.makeTempDir());
  const [folder, outside] = [join(base, "project"), join(base, "outside")];
  try {
    for (const [path, text] of Object.entries(FILES)) {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    await Deno.mkdir(outside);
    await Deno.writeTextFile(join(outside, "b.ts"), "eval(x);\n");
    await Deno.symlink(outside, join(folder, "link"));
    const { declares, ...options } = setup({ folder, outside });
    const roots = declares?.({ folder, outside });
    const client = new Client({ name: "test", version: "1" }, {
      capabilities: roots === undefined ? {} : { roots: {} },
    });
    if (roots !== undefined) {
      client.setRequestHandler("roots/list", () => ({
        roots: roots.map((path) => ({ uri: pathToFileURL(path).href })),
      }));
    }
    const server = createReviewer({ analyzer: localAnalyzer(), roots: [folder], ...options });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(far), client.connect(near)]);
    await test({
      folder,
      outside,
      client,
      async call(name, args, options) {
        const { content, structuredContent, isError } = await client.callTool(
          { name, arguments: args },
          options,
        );
        const [first] = content as { text: string }[];
        if (!isError) assert.deepEqual(JSON.parse(first.text), structuredContent);
        return { data: structuredContent, error: isError ? first.text : undefined };
      },
    });
    await client.close();
    await server.close();
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

const FILES = {
  "src/a.ts": "eval(x);\n",
  "src/broken.ts": "const = ;\n",
  "src/clean.py": "print(1)\n",
  "main.js": "el.innerHTML = x;\n",
  "binary.js": "a\0b",
  ".env": `TOKEN=${"ghp_"}R7qTzL2vXw9KbN4mHs6YpDfG3cJtA5eUaQ8B\n`,
  "README.md": "eval(x)\n",
  "node_modules/x/index.js": "eval(x);\n",
};

Deno.test("review_project reviews what is the project's own, and hides nothing it did not review", () =>
  withWorld(() => ({}), async ({ folder, call }) => {
    const progress: number[] = [];
    const { data } = await call("review_project", { path: folder }, {
      onprogress: ({ progress: done, total }) => {
        assert.equal(total, 6);
        progress.push(done);
      },
    });
    const { files, summary, root } = data as ProjectResult;
    assert.equal(root, folder);
    assert.deepEqual(
      files.map(({ path, status, findings }) => [path, status, findings.map(({ rule }) => rule)]),
      [
        [".env", "complete", ["secret-github-token"]],
        ["binary.js", "skipped", []],
        ["main.js", "complete", ["js-inner-html"]],
        ["src/a.ts", "complete", ["js-eval"]],
        ["src/broken.ts", "degraded", []],
      ],
    );
    assert.deepEqual(summary, {
      files: 6,
      reviewed: 4,
      notReviewed: 2,
      // README.md, and the link that is not followed.
      otherFiles: 2,
      foldersLeftOut: 1,
      findings: { critical: 1, high: 1, medium: 1, low: 0, info: 0 },
    });
    assert.equal(progress.at(-1), 6);
  }));

Deno.test("a review of a project stops when it is cancelled", async () => {
  const asked: string[] = [];
  let cancelled = false;
  const controller = new AbortController();
  const gone = Promise.withResolvers<void>();
  const analyzer: Analyzer = {
    review({ path = "" }, signal) {
      asked.push(path);
      controller.abort();
      return new Promise((_resolve, reject) =>
        signal!.addEventListener("abort", () => {
          cancelled = true;
          gone.resolve();
          reject(signal!.reason);
        })
      );
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await withWorld(() => ({ analyzer }), async ({ folder, call }) => {
    const { signal } = controller;
    await assert.rejects(call("review_project", { path: folder }, { signal }));
    await gone.promise;
  });
  assert.ok(cancelled);
  assert.ok(asked.length <= 2, `${asked}`);
});

Deno.test("a server for a project reads that folder only, and relative paths start there", () =>
  withWorld(
    ({ folder, outside }) => ({ project: folder, roots: [outside], declares: () => [outside] }),
    async ({ outside, call }) => {
      assert.equal((await call("review_file", { path: "src/a.ts" })).data.findings.length, 1);
      assert.equal((await call("review_project", {})).data.summary.files, 6);
      assert.equal((await call("review_project", { path: "src" })).data.summary.files, 3);
      for (
        const path of [outside, join(outside, "b.ts"), "../outside/b.ts", "link/b.ts", "link", ".."]
      ) {
        for (const tool of ["review_file", "review_project"]) {
          const { error } = await call(tool, { path });
          assert.match(error ?? "", /outside the folders|it is a folder/, `${tool} ${path}`);
        }
      }
      assert.match((await call("review_project", { path: "main.js" })).error ?? "", /not a folder/);
      assert.match((await call("review_project", { path: "gone" })).error ?? "", /no such file/);
    },
  ));

Deno.test("without a project, what the client declares is what may be read", () =>
  withWorld(
    () => ({ declares: ({ outside }) => [outside] }),
    async ({ folder, call }) => {
      assert.equal((await call("review_file", { path: "b.ts" })).data.findings.length, 1);
      assert.equal((await call("review_project", {})).data.summary.files, 1);
      const { error } = await call("review_file", { path: join(folder, "main.js") });
      assert.match(error ?? "", /outside the folders/);
    },
  ));

Deno.test("without any project, a path must be absolute and inside the folders of the server", () =>
  withWorld(() => ({}), async ({ outside, call }) => {
    assert.match((await call("review_project", {})).error ?? "", /without a project: give/);
    assert.match((await call("review_project", { path: "src" })).error ?? "", /relative/);
    assert.match((await call("review_project", { path: outside })).error ?? "", /outside/);
  }));

Deno.test("list_rules and explain_rule tell what there is", () =>
  withWorld(() => ({}), async ({ call }) => {
    const all = (await call("list_rules", {})).data.rules as { id: string }[];
    assert.deepEqual(all.map(({ id }) => id), RULES.map(({ id }) => id));
    const python = (await call("list_rules", { language: "py" })).data.rules as { id: string }[];
    assert.ok(python.some(({ id }) => id === "py-eval"));
    assert.ok(python.every(({ id }) => !id.startsWith("js-")));
    assert.match((await call("list_rules", { language: "cobol" })).error ?? "", /cobol/);

    const { data } = await call("explain_rule", { rule: "js-eval" });
    const { examples, ...rest } = data;
    assert.deepEqual(rest, {
      id: "js-eval",
      title: "eval of something built at run time",
      severity: "high",
      languages: ["typescript", "javascript"],
      cwe: "CWE-95",
      owasp: "A03:2021",
      message: "eval runs whatever text it is given as code.",
      remedy: "Use JSON.parse for data, or a table of the functions that may be called.",
    });
    assert.ok(examples.bad.length > 0 && examples.good.length > 0);
    assert.match((await call("explain_rule", { rule: "js-no" })).error ?? "", /no rule "js-no"/);
  }));
