import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import type { LineEnds } from "../../protocol/ndjson.ts";
import { isAlive } from "../../tests/e2e/support/processes.ts";
import { eventually, within } from "../../tests/e2e/support/within.ts";
import { openStdioWire, type StdioWireOptions } from "./stdio_wire.ts";
import type { Wire, WireEnd } from "./wire.ts";

/** Short, because some of these processes never end of their own accord. */
const GRACE = { eofMs: 100, termMs: 100 };

/** A wire and all it has told. */
class Bench {
  readonly lines: string[] = [];
  readonly oversize: LineEnds[] = [];
  readonly stderr: string[] = [];
  readonly ends: WireEnd[] = [];
  readonly spawned: number[] = [];
  readonly exited: number[] = [];
  rooms = 0;
  readonly wire: Wire;
  readonly #ended = Promise.withResolvers<WireEnd>();
  #onLine = () => {};

  constructor(command: string, args: string[], options: Partial<StdioWireOptions> = {}) {
    this.wire = openStdioWire({
      server: "test",
      command,
      args,
      env: { PATH: Deno.env.get("PATH")! },
      cwd: Deno.cwd(),
      maxLineLength: 1_000_000,
      maxOwed: 1_000_000,
      onStderr: (line) => this.stderr.push(line),
      onSpawn: (pid) => this.spawned.push(pid),
      onExit: (pid) => this.exited.push(pid),
      grace: GRACE,
      ...options,
    }, {
      onLine: (line) => {
        assert.deepEqual(this.ends, [], "a line after the end");
        this.lines.push(line);
        this.#onLine();
      },
      onOversizeLine: (ends) => this.oversize.push(ends),
      onRoom: () => this.rooms++,
      onLost: (id) => assert.fail(`call ${id} was lost, which a pipe cannot do`),
      onEnd: (end) => {
        this.ends.push(end);
        this.#ended.resolve(end);
      },
    });
  }

  /** Waits until the process has written `count` lines. */
  async read(count: number): Promise<string[]> {
    const enough = Promise.withResolvers<void>();
    this.#onLine = () => this.lines.length >= count && enough.resolve();
    this.#onLine();
    await within(enough.promise, `${count} lines of ${this.wire.pid}; it wrote ${this.lines}`);
    return this.lines;
  }

  /** Waits for the end, and that it was told once. */
  async end(): Promise<WireEnd> {
    const end = await within(this.#ended.promise, `the end of ${this.wire.pid}`);
    await this.wire.close(GRACE);
    assert.equal(this.ends.length, 1);
    assert.deepEqual([this.spawned, this.exited], [[this.wire.pid], [this.wire.pid]]);
    assert.equal(this.wire.writable, false);
    assert.equal(this.wire.send("{}"), false);
    assert.ok(!(await isAlive(this.wire.pid!)), "the process lives on");
    return end;
  }

  async close(): Promise<WireEnd> {
    await within(this.wire.close(GRACE), `closing of ${this.wire.pid}`);
    return await this.end();
  }
}

function sh(script: string, options?: Partial<StdioWireOptions>): Bench {
  return new Bench("sh", ["-c", script], options);
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name, fn: body, ignore: Deno.build.os === "windows" });
}

test("lines go in and out; the end of its input ends a server that is polite", async () => {
  const bench = new Bench("cat", []);
  for (let i = 0; i < 1000; i++) assert.ok(bench.wire.send(`{"n":${i},"text":"é😀"}`));
  const lines = await bench.read(1000);
  assert.equal(lines[999], '{"n":999,"text":"é😀"}');
  assert.equal(bench.wire.owed, 0);
  assert.deepEqual(await bench.close(), { how: "exited with code 0", stderr: "" });
});

test("arguments, environment and folder arrive exactly, and no shell reads them", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const bench = new Bench("sh", [
      "-c",
      'printf "%s\\n" "$@"; pwd -P; echo "$X-$HOME-$Y"',
      "sh",
      "$X",
      "a b; *",
    ], {
      cwd: folder,
      env: { PATH: Deno.env.get("PATH")!, X: "$Y `x`" },
    });
    assert.deepEqual(await bench.read(4), ["$X", "a b; *", folder, "$Y `x`--"]);
    await bench.end();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("a server that exits at once: its code and its last words", async () => {
  const end = await sh('echo "no API key" >&2; printf "and half a line" >&2; exit 3').end();
  assert.deepEqual(end, { how: "exited with code 3", stderr: "no API key\nand half a line" });
});

test("what was written before the exit is read to its end", async () => {
  const bench = sh("head -c 60000 /dev/zero | tr '\\000' '\\n' | sed 's/^/{}/'; kill -9 $$");
  await bench.end();
  assert.equal(bench.lines.length, 60_000);
});

test("a server that is killed", async () => {
  assert.equal((await sh("kill -9 $$").end()).how, "was ended by SIGKILL");
});

test("a server that ignores the end of its input and SIGTERM is killed with its whole group", async () => {
  const bench = sh('trap "" TERM; sleep 60 & echo $!; sleep 60');
  const [grandchild] = await bench.read(1);
  assert.equal((await bench.close()).how, "was ended by SIGKILL");
  await eventually(async () => !(await isAlive(Number(grandchild))), "the end of the grandchild");
});

test("a server that closes its stdout but lives is over: nothing can be heard of it", async () => {
  const bench = sh("exec 1>&-; sleep 60");
  assert.equal((await bench.end()).how, "was ended by SIGTERM");
});

test("while such a server is being ended it is given nothing more", async () => {
  const bench = sh('trap "" TERM; echo ready; exec 1>&-; sleep 60', {
    grace: { eofMs: 100, termMs: 500 },
  });
  await eventually(() => !bench.wire.writable, "the wire taking nothing more");
  assert.equal(bench.wire.send("{}"), false);
  assert.ok(await isAlive(bench.wire.pid!));
  assert.equal((await bench.end()).how, "was ended by SIGKILL");
});

test("a server that closes its stdin but lives is over as well, whatever it ignores", async () => {
  const bench = sh('trap "" TERM; exec 0<&-; echo ready; sleep 60');
  await bench.read(1);
  // Deno 2.7.11 only notices at the second write.
  await eventually(() => !bench.wire.send("{}"), "the wire taking nothing more");
  assert.equal((await bench.end()).how, "was ended by SIGKILL");
});

test("a grandchild of its group that holds the pipes neither delays the end nor outlives it", async () => {
  const bench = sh("sleep 60 & echo $!; exit 0");
  const [grandchild] = await bench.read(1);
  assert.equal((await bench.end()).how, "exited with code 0");
  await eventually(async () => !(await isAlive(Number(grandchild))), "the end of the grandchild");
});

test("a grandchild that left the group and holds the pipes does not hold up the end", async () => {
  // It has our end of stdout, and of a stdin that is full: nobody will ever read it.
  const bench = sh('exec 3<&0; setsid sh -c "echo \\$\\$; exec sleep 60" <&3 & sleep 60');
  const [escaped] = await bench.read(1);
  try {
    bench.wire.send("x".repeat(500_000));
    await new Promise((resolve) => setImmediate(resolve)); // Now the write is under way.
    assert.match((await bench.close()).how, /SIGTERM/);
    assert.ok(await isAlive(Number(escaped)), "the test is about one that lives");
  } finally {
    Deno.kill(Number(escaped), "SIGKILL");
    await eventually(() => bench.wire.owed === 0, "the end of the write that nobody read");
  }
});

test("a server that does not read: what it owes is bounded, and it can be closed", async () => {
  const bench = sh("echo ready; sleep 60", { maxOwed: 200_000 });
  await bench.read(1);
  const line = "x".repeat(10_000);
  let accepted = 0;
  while (bench.wire.send(line)) accepted++;
  assert.ok(accepted < 40 && bench.wire.owed <= 200_000);
  await bench.close();
});

test("a server that reads late: room is told when it has, and not before", async () => {
  const bench = sh('echo ready; read -r go; echo "$go"; exec cat >/dev/null', { maxOwed: 400_000 });
  await bench.read(1);
  assert.equal(bench.wire.send("x".repeat(300_000)), true);
  assert.ok(bench.wire.room <= 0);
  await eventually(() => bench.wire.room > 0, "room");
  assert.equal(bench.rooms, 1);
  await bench.close();
  assert.equal(bench.rooms, 1);
});

test("a flood on stderr is read, so that it stops nobody; its lines are cut", async () => {
  const bench = sh(
    "head -c 50000000 /dev/zero | tr '\\000' x >&2; echo >&2; echo last >&2; echo done",
  );
  assert.deepEqual(await bench.read(1), ["done"]);
  const { stderr } = await bench.end();
  assert.deepEqual(bench.stderr.map((line) => line.length), [8192, 4]);
  assert.ok(stderr.endsWith("\nlast"));
});

test("a line of 100 MB is dropped, told by its ends, and the next one arrives", async () => {
  const bench = sh(
    `printf '{"jsonrpc":"2.0","id":7,"result":"'; head -c 100000000 /dev/zero | tr '\\000' x; ` +
      `printf '"}\\n{}\\n'`,
  );
  assert.deepEqual(await bench.read(1), ["{}"]);
  assert.equal(bench.oversize.length, 1);
  assert.match(bench.oversize[0].head, /^\{"jsonrpc":"2\.0","id":7,"result":"x+$/);
  assert.match(bench.oversize[0].tail, /^x+"\}$/);
  await bench.end();
});

test("bytes that are no text come out as lines all the same", async () => {
  const bench = sh("printf '\\377\\376\\n\\000\\n\\r\\n{}\\r\\n'");
  assert.deepEqual(await bench.read(3), ["\ufffd\ufffd", "\0", "{}"]);
  await bench.end();
});

test("a server leads a process group of its own", async () => {
  const bench = sh("ps -o pgid= -p $$");
  assert.equal(Number((await bench.read(1))[0]), bench.wire.pid);
  await bench.end();
});

test("closing twice, and after the end, is closing once", async () => {
  const bench = new Bench("cat", []);
  await Promise.all([bench.wire.close(GRACE), bench.wire.close(GRACE)]);
  assert.equal((await bench.end()).how, "exited with code 0");
});

const IMPOSSIBLE: [name: string, command: string, options: Partial<StdioWireOptions>][] = [
  ["a command that does not exist", "no-such-command-of-aichaku", {}],
  ["a command that is a folder", "/", {}],
  ["a file that may not run", import.meta.filename!, {}],
  ["an empty command", "", {}],
  ["a folder that does not exist", "cat", { cwd: "/no/such/folder" }],
  ["a zero byte in an argument", "cat", { args: ["a\0b"] }],
  ["a zero byte in the environment", "cat", { env: { X: "a\0b" } }],
];

for (const [name, command, options] of IMPOSSIBLE) {
  test(`cannot be started, and says so: ${name}`, () => {
    assert.throws(() => new Bench(command, [], options), (error) => {
      assert.ok(error instanceof Fault, String(error));
      assert.equal(error.reason, "upstream_unavailable");
      assert.match(error.message, /"test".*check "command" and "cwd"/);
      assert.notEqual(error.details.detail, "");
      return true;
    });
    return Promise.resolve();
  });
}
