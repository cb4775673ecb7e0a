import { deepEqual, equal, notEqual } from "node:assert/strict";
import { dirname, join } from "@std/path";
import { systemClock } from "../../platform/clock.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { eventually } from "../../tests/e2e/support/within.ts";
import { fingerprint, watchConfig } from "./watch.ts";

/** A file that is watched, in a folder of its own. */
class Bench implements AsyncDisposable {
  /** What the file held each time a change was told. */
  readonly told: string[] = [];
  #watch: AsyncDisposable | undefined;

  private constructor(readonly folder: string, readonly file: string) {}

  /** Watches `file`, seen from a folder that `prepare` has filled. */
  static async start(
    file = "home/config.json",
    prepare: (folder: string) => void = (folder) => {
      Deno.mkdirSync(join(folder, "home"));
      Deno.writeTextFileSync(join(folder, file), "first");
    },
    uncertainLookMs = 1e9,
  ): Promise<Bench> {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    prepare(folder);
    const bench = new Bench(folder, join(folder, file));
    bench.#watch = watchConfig({
      file: bench.file,
      clock: systemClock,
      debounceMs: 20,
      // The system has to tell; no look in between may find it.
      lookMs: 1e9,
      uncertainLookMs,
      known: await fingerprint(bench.file),
      onChange: () => void bench.told.push(readOr(bench.file, "nothing")),
    });
    // Before it watches, everything would be found by its first look.
    if (readOr(bench.file, "nothing") !== "nothing") {
      Deno.writeTextFileSync(bench.file, "watched");
      await bench.tells("watched");
      bench.told.length = 0;
    }
    return bench;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(this.path(name), text);
  }

  /** Waits until it is told that the file holds `text`. */
  async tells(text: string): Promise<void> {
    await eventually(() => this.told.at(-1) === text, `told of ${text}, not of ${this.told}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    return otherwise; // It is not there.
  }
}

Deno.test("a file written in place, replaced, deleted and written again is told each time", async () => {
  await using bench = await Bench.start();
  bench.write("home/config.json", "in place");
  await bench.tells("in place");
  bench.write("home/.config.json.swp", "renamed");
  Deno.renameSync(bench.path("home/.config.json.swp"), bench.file);
  await bench.tells("renamed");
  // As an editor that keeps a backup.
  Deno.renameSync(bench.file, bench.path("home/config.json~"));
  bench.write("home/config.json", "with a backup");
  await bench.tells("with a backup");
  Deno.removeSync(bench.file);
  await bench.tells("nothing");
  bench.write("home/config.json", "again");
  await bench.tells("again");
  equal(bench.told.length, 5);
});

Deno.test("a file that holds the same as before is not told, whatever was done to it", async () => {
  await using bench = await Bench.start();
  bench.write("home/config.json", "watched");
  bench.write("home/other", "watched");
  Deno.renameSync(bench.path("home/other"), bench.file);
  Deno.chmodSync(bench.file, 0o600);
  bench.write("home/mcp-http-server.log", "a line");
  bench.write("home/config.json", "last");
  await bench.tells("last");
  equal(bench.told.length, 1);
});

Deno.test("the folder is deleted, moved away and made again, and so is the one above", async () => {
  await using bench = await Bench.start("above/home/config.json", (folder) => {
    Deno.mkdirSync(join(folder, "above/home"), { recursive: true });
    Deno.writeTextFileSync(join(folder, "above/home/config.json"), "first");
  });
  Deno.removeSync(bench.path("above/home"), { recursive: true });
  await bench.tells("nothing");
  Deno.mkdirSync(bench.path("above/home"));
  bench.write("above/home/config.json", "second");
  await bench.tells("second");
  Deno.renameSync(bench.path("above/home"), bench.path("above/old"));
  await bench.tells("nothing");
  Deno.renameSync(bench.path("above/old"), bench.path("above/home"));
  await bench.tells("second");
  Deno.removeSync(bench.path("above"), { recursive: true });
  await bench.tells("nothing");
  Deno.mkdirSync(bench.path("above/home"), { recursive: true });
  bench.write("above/home/config.json", "third");
  await bench.tells("third");
  bench.write("above/home/config.json", "fourth");
  await bench.tells("fourth");
});

Deno.test("nothing is there at first, not even the folder", async () => {
  await using bench = await Bench.start("home/deep/config.json", () => {});
  Deno.mkdirSync(bench.path("home/deep"), { recursive: true });
  bench.write("home/deep/config.json", "first");
  await bench.tells("first");
});

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "through links: the target is written or replaced, and a link switched",
  ignore,
  async fn() {
    await using bench = await Bench.start("home/config.json", (folder) => {
      for (const name of ["home", "dotfiles", "other"]) Deno.mkdirSync(join(folder, name));
      Deno.writeTextFileSync(join(folder, "dotfiles/mcp.json"), "first");
      Deno.writeTextFileSync(join(folder, "other/mcp.json"), "other");
      Deno.symlinkSync("../dotfiles/mcp.json", join(folder, "home/config.json"));
    });
    bench.write("dotfiles/mcp.json", "written");
    await bench.tells("written");
    bench.write("dotfiles/mcp.tmp", "replaced");
    Deno.renameSync(bench.path("dotfiles/mcp.tmp"), bench.path("dotfiles/mcp.json"));
    await bench.tells("replaced");
    Deno.symlinkSync(bench.path("other/mcp.json"), bench.path("home/new"));
    Deno.renameSync(bench.path("home/new"), bench.file);
    await bench.tells("other");
    bench.write("other/mcp.json", "switched");
    await bench.tells("switched");
    // What it led to before means nothing any more.
    bench.write("dotfiles/mcp.json", "elsewhere");
    bench.write("other/mcp.json", "last");
    await bench.tells("last");
    equal(bench.told.length, 5);
  },
});

Deno.test({
  name: "a folder on the way is a link that is switched, as of a mounted configuration",
  ignore,
  async fn() {
    await using bench = await Bench.start("mount/config.json", (folder) => {
      for (const name of ["mount/v1", "mount/v2"]) {
        Deno.mkdirSync(join(folder, name), { recursive: true });
        Deno.writeTextFileSync(join(folder, name, "config.json"), name);
      }
      Deno.symlinkSync("v1", join(folder, "mount/data"));
      Deno.symlinkSync("data/config.json", join(folder, "mount/config.json"));
    });
    Deno.symlinkSync("v2", bench.path("mount/new"));
    Deno.renameSync(bench.path("mount/new"), bench.path("mount/data"));
    await bench.tells("mount/v2");
    bench.write("mount/v2/config.json", "written");
    await bench.tells("written");
  },
});

Deno.test({
  name: "the folder itself is a link that is switched, or removed and made again",
  ignore,
  async fn() {
    const prepare = (folder: string) => {
      for (const name of ["links", "work", "leisure"]) {
        Deno.mkdirSync(join(folder, name));
        Deno.writeTextFileSync(join(folder, name, "config.json"), name);
      }
      Deno.symlinkSync("../work", join(folder, "links/home"));
    };
    await using switched = await Bench.start("links/home/config.json", prepare);
    Deno.symlinkSync("../leisure", switched.path("links/new"));
    Deno.renameSync(switched.path("links/new"), switched.path("links/home"));
    await switched.tells("leisure");

    await using removed = await Bench.start("links/home/config.json", prepare, 20);
    Deno.removeSync(removed.path("links/home"));
    await removed.tells("nothing");
    Deno.symlinkSync("../leisure", removed.path("links/home"));
    await removed.tells("leisure");
  },
});

Deno.test({
  name: "links that lead to each other are as good as no file",
  ignore,
  async fn() {
    await using bench = await Bench.start("a", (folder) => {
      Deno.symlinkSync("b", join(folder, "a"));
      Deno.symlinkSync("a", join(folder, "b"));
    });
    Deno.removeSync(bench.path("b"));
    bench.write("b", "a file");
    await bench.tells("a file");
  },
});

Deno.test("a file that is still being written is told when it stands still", async () => {
  const file = join(await Deno.makeTempDir(), "config.json");
  const clock = new FakeClock();
  Deno.writeTextFileSync(file, "first");
  const told: string[] = [];
  const watch = watchConfig({
    file,
    clock,
    known: await fingerprint(file),
    onChange: () => void told.push(Deno.readTextFileSync(file)),
  });
  const lookIsOver = () => eventually(() => clock.pending > 0, "the end of the look");
  try {
    for (const text of ["{", "{ half", "{ more", "{ whole }"]) {
      await lookIsOver();
      // No two looks find the same: each comes after another write.
      Deno.writeTextFileSync(file, text);
      clock.advance(200);
    }
    deepEqual(told, []);
    await eventually(async () => {
      await lookIsOver();
      clock.advance(200);
      return told.length > 0;
    }, "told of the whole");
    deepEqual(told, ["{ whole }"]);
  } finally {
    await watch[Symbol.asyncDispose]();
    await Deno.remove(dirname(file), { recursive: true });
  }
  equal(clock.pending, 0);
});

Deno.test("what nothing tells of, a look every half minute finds; closed, nothing is told", async () => {
  const file = join(await Deno.makeTempDir(), "config.json");
  const clock = new FakeClock();
  let told = 0;
  // Known to hold what it does not: as when it changed before anybody watched.
  const start = () => watchConfig({ file, clock, known: "first", onChange: () => void told++ });
  const closed = start();
  await closed[Symbol.asyncDispose]();
  clock.advance(1e6);
  equal(told, 0);
  const watch = start();
  try {
    await eventually(() => {
      clock.advance(30_000);
      return told === 1;
    }, "told of the difference");
  } finally {
    await watch[Symbol.asyncDispose]();
    await Deno.remove(dirname(file), { recursive: true });
  }
});

Deno.test("a fingerprint tells contents apart, and does not read what is no file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    Deno.writeTextFileSync(a, "x");
    Deno.writeTextFileSync(b, "x");
    equal(await fingerprint(a), await fingerprint(b));
    Deno.writeTextFileSync(b, "y");
    notEqual(await fingerprint(a), await fingerprint(b));
    equal(await fingerprint(folder), "no file");
    equal(await fingerprint(join(folder, "none")), "NotFound");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
