import { deepEqual, equal } from "node:assert/strict";
import { eventually } from "../../tests/e2e/support/within.ts";
import { FakeClock } from "../../tests/fixtures/fake_clock.ts";
import { listen, type ListenOptions } from "./listen.ts";

/** A server that ends when the test says so. */
class Server {
  readonly end = Promise.withResolvers<void>();
  readonly finished = this.end.promise;
  readonly addr: Deno.NetAddr;
  isShut = false;

  constructor(port: number) {
    this.addr = { transport: "tcp", hostname: "127.0.0.1", port };
  }

  shutdown(): Promise<void> {
    this.isShut = true;
    this.end.resolve();
    return this.finished;
  }
}

Deno.test("a port that the system took away is opened again, at the same address", async () => {
  const clock = new FakeClock();
  const servers: Server[] = [];
  const asked: unknown[] = [];
  const lost: string[] = [];
  let mayOpen = true;
  const options: ListenOptions = {
    ...{ host: "127.0.0.1", port: 0, requireToken: false, configFile: "config.json", clock },
    handler: () => new Response(),
    onError: () => new Response(),
    onLost: (error) => void lost.push((error as Error).message),
    serve({ hostname, port }) {
      asked.push([hostname, port]);
      if (!mayOpen) throw new Error("still too many open files");
      const server = new Server(port || 4711);
      servers.push(server);
      return server;
    },
  };
  const listening = await listen(options);
  equal(listening.url, "http://127.0.0.1:4711");

  mayOpen = false;
  servers[0].end.reject(new Error("too many open files"));
  for (const attempt of [2, 3, 4]) {
    await eventually(() => clock.pending > 0, "the wait for the next attempt", 2_000);
    clock.advance(500);
    await eventually(() => asked.length === attempt, "the next attempt", 2_000);
    mayOpen = attempt === 3;
  }
  const again = ["127.0.0.1", 4711];
  deepEqual(asked, [["127.0.0.1", 0], again, again, again]);
  deepEqual(lost, ["too many open files", "still too many open files"]);

  await listening.close(1_000);
  equal(servers[1].isShut, true);
  equal(clock.pending, 0);
  equal(servers.length, 2, "what was closed stays closed");
});
