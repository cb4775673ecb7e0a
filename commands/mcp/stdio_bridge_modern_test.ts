import { deepEqual, equal } from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { ModernSide } from "./stdio_bridge_modern.ts";
import { type BridgeWire, NotTaken, type WireListener } from "./stdio_bridge_wire.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

/** A connection that the test plays. */
class Daemon implements BridgeWire {
  readonly listener: WireListener;
  /** Messages, each with what tells that it left, or did not. */
  readonly #sent: { text: string; left: PromiseWithResolvers<void> }[] = [];
  #wake = Promise.withResolvers<void>();
  isGone = false;

  constructor(listener: WireListener) {
    this.listener = listener;
  }

  send(text: string): Promise<void> {
    if (this.isGone) return Promise.reject(new NotTaken("the daemon is gone"));
    const left = Promise.withResolvers<void>();
    this.#sent.push({ text, left });
    this.#wake.resolve();
    return left.promise;
  }

  close(): void {
    this.end();
  }

  /** The next message that is being sent. */
  async next(): Promise<{ message: Json; left: PromiseWithResolvers<void> }> {
    while (this.#sent.length === 0) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    const { text, left } = this.#sent.shift()!;
    return { message: JSON.parse(text), left };
  }

  /** The next message, which has left. */
  async heard(): Promise<Json> {
    const { message, left } = await this.next();
    left.resolve();
    return message;
  }

  /** Messages on their way. */
  get waiting(): number {
    return this.#sent.length;
  }

  /** The connection is over. */
  end(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.listener.onEnd();
  }
}

/** A client whose daemons come and go. */
class Bench implements Disposable {
  readonly written: Json[] = [];
  readonly daemons: Daemon[] = [];
  readonly #ending = new AbortController();
  #opened = Promise.withResolvers<void>();
  readonly side = new ModernSide({
    open: (listener) => {
      const daemon = new Daemon(listener);
      this.daemons.push(daemon);
      this.#opened.resolve();
      return Promise.resolve(daemon);
    },
    write: (line) => void this.written.push(JSON.parse(line)),
    log() {},
    signal: this.#ending.signal,
    patienceMs: 30_000,
  });

  ask(id: number, method: string): Promise<void> {
    const line = JSON.stringify({ jsonrpc: "2.0", id, method });
    return this.side.ask({ id: String(id), method, line });
  }

  async daemon(number: number): Promise<Daemon> {
    while (this.daemons.length <= number) {
      await this.#opened.promise;
      this.#opened = Promise.withResolvers();
    }
    return this.daemons[number];
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }
}

Deno.test("an answer that is no JSON is told to whoever waits for it, and to nobody else", async () => {
  using bench = new Bench();
  const answered = [1, 21, 3].map((id) => bench.ask(id, "tools/call"));
  const daemon = await bench.daemon(0);
  for (const _ of answered) await daemon.heard();
  daemon.listener.onText('{"jsonrpc":"2.0","id":1,"result":{"value":NaN}}');
  daemon.listener.onText('{"result":{"value":NaN},"jsonrpc":"2.0","id":21}');
  daemon.listener.onText('{"jsonrpc":"2.0","id":3,"result":{"note":"draining","value":NaN}}');
  await Promise.all(answered);
  deepEqual(
    bench.written.map(({ id, error }) => [id, error.data.reason]),
    [[1, "upstream_invalid"], [21, "upstream_invalid"], [3, "upstream_invalid"]],
  );
});

Deno.test("what was being sent when its connection ended goes to the next daemon, once", async () => {
  for (const method of ["tools/call", "resources/read"]) {
    using bench = new Bench();
    const answered = bench.ask(1, method);
    const first = await bench.daemon(0);
    const { left } = await first.next();
    first.end();
    left.reject(new NotTaken("the daemon is gone"));
    const second = await bench.daemon(1);
    equal((await second.heard()).method, method);
    // Sent again later than anything that is still to come.
    const other = bench.ask(2, "tools/list");
    await second.heard();
    second.listener.onText(new Fault("draining", "Stopping").toResponseText("2"));
    const third = await bench.daemon(2);
    equal((await third.heard()).id, 2);
    equal(second.waiting + third.waiting, 0, `${method} was sent once`);
    third.listener.onText('{"jsonrpc":"2.0","id":2,"result":{}}');
    second.listener.onText('{"jsonrpc":"2.0","id":1,"result":{}}');
    await Promise.all([answered, other]);
  }
});

Deno.test("what turns out to have left when its connection ended may have been executed", async () => {
  using bench = new Bench();
  const call = bench.ask(1, "tools/call");
  const first = await bench.daemon(0);
  const { left } = await first.next();
  first.end();
  left.resolve();
  await call;
  deepEqual(bench.written.map(({ id, error }) => [id, error.data.reason]), [[1, "draining"]]);
});

Deno.test("a connection that is refused as a whole: every call on it is told why", async () => {
  using bench = new Bench();
  const calls = [1, 2, 3].map((id) => bench.ask(id, "tools/call"));
  const listed = bench.ask(4, "tools/list");
  const daemon = await bench.daemon(0);
  for (let sent = 0; sent < 3; sent++) await daemon.heard();
  // The last one is still being sent.
  const { left } = await daemon.next();
  daemon.listener.onText(new Fault("invalid_params", "Unknown server").toResponseText("null"));
  daemon.end();
  left.reject(new NotTaken("the daemon is gone"));
  await Promise.all([...calls, listed]);
  deepEqual(
    bench.written.map(({ id, error }) => [id, error.data.reason]),
    [1, 2, 3, 4].map((id) => [id, "invalid_params"]),
  );
});

Deno.test("a connection that is refused because the daemon stops: its calls go to the next one", async () => {
  using bench = new Bench();
  const calls = [1, 2].map((id) => bench.ask(id, "tools/call"));
  const first = await bench.daemon(0);
  for (const _ of calls) await first.heard();
  first.listener.onText(new Fault("draining", "Stopping").toResponseText("null"));
  first.end();
  const second = await bench.daemon(1);
  for (const _ of calls) {
    const { id } = await second.heard();
    second.listener.onText(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  }
  await Promise.all(calls);
  deepEqual(bench.written.map(({ id, result }) => [id, result]), [[1, {}], [2, {}]]);
});

Deno.test("a message that ends its connection is refused, and the calls beside it are lost", async () => {
  using bench = new Bench();
  const calls = [bench.ask(1, "tools/call"), bench.ask(222, "tools/call")];
  const daemon = await bench.daemon(0);
  for (const _ of calls) await daemon.heard();
  daemon.listener.onText(new Fault("invalid_request", "Too long").toResponseText("null"));
  daemon.end();
  await Promise.all(calls);
  deepEqual(
    bench.written.map(({ id, error }) => [id, error.data.reason]),
    [[1, "draining"], [222, "invalid_request"]],
  );
});
