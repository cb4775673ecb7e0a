import { deepEqual, equal } from "node:assert/strict";
import { Outgoing } from "./outgoing.ts";

/** A writer that takes one write at a time, when the test says so. */
class Bench {
  readonly written: string[][] = [];
  readonly events: string[] = [];
  #room: PromiseWithResolvers<void> | undefined;
  readonly outgoing: Outgoing;

  constructor(maxLength = 1000) {
    this.outgoing = new Outgoing({
      maxLength,
      write: async (texts) => {
        this.written.push([...texts]);
        this.#room = Promise.withResolvers();
        await this.#room.promise;
      },
      onOverflow: () => void this.events.push("overflow"),
      onError: (error) => void this.events.push(`error ${(error as Error).message}`),
    });
  }

  async begun(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }

  async takes(): Promise<void> {
    this.#room?.resolve();
    await this.begun();
  }

  async breaks(): Promise<void> {
    this.#room?.reject(new Error("gone"));
    await this.begun();
  }
}

Deno.test("what is sent in one turn is written together, and in order", async () => {
  const bench = new Bench();
  for (const text of ["a", "b", "c"]) bench.outgoing.send(text);
  await bench.begun();
  deepEqual(bench.written, [["a", "b", "c"]]);
  bench.outgoing.send("d");
  await bench.begun();
  equal(bench.written.length, 1);
  await bench.takes();
  deepEqual(bench.written[1], ["d"]);
  await bench.takes();
  await bench.outgoing.flushed();
  equal(bench.outgoing.length, 0);
});

Deno.test("a writer is given a piece at a time, and a long message whole", async () => {
  const bench = new Bench(1_000_000);
  const long = "x".repeat(100_000);
  for (const text of ["a".repeat(40_000), "b".repeat(40_000), long, "c"]) bench.outgoing.send(text);
  const sizes: number[][] = [];
  for (let turn = 0; turn < 4; turn++) {
    await bench.begun();
    sizes.push(bench.written.at(-1)!.map((text) => text.length));
    await bench.takes();
  }
  deepEqual(sizes, [[40_000], [40_000], [100_000], [1]]);
  await bench.outgoing.flushed();
});

Deno.test("a reader that is too slow is given up once; one long message is not too much", async () => {
  const bench = new Bench(10);
  bench.outgoing.send("x".repeat(50));
  await bench.begun();
  deepEqual(bench.events, []);
  bench.outgoing.send("y".repeat(50));
  deepEqual(bench.events, []);
  bench.outgoing.send("z");
  bench.outgoing.send("z");
  deepEqual(bench.events, ["overflow"]);
  equal(bench.outgoing.length, 0);
  await bench.takes();
  await bench.outgoing.flushed();
  equal(bench.written.length, 1);
});

Deno.test("when the other end is gone, that is told once and nothing more is written", async () => {
  const bench = new Bench();
  bench.outgoing.send("a");
  await bench.begun();
  bench.outgoing.send("b");
  await bench.breaks();
  bench.outgoing.send("c");
  await bench.begun();
  deepEqual([bench.events, bench.written], [["error gone"], [["a"]]]);
  await bench.outgoing.flushed();
});
