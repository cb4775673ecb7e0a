import { deepEqual, equal, rejects } from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { LineSplitter } from "../../protocol/ndjson.ts";
import { NotSent } from "../../client/transport.ts";
import { type Lane, openLane } from "./stdio_bridge_lane.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

/** A daemon's socket, played by the test: one connection. */
class Daemon implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly path = `${this.#folder}/s`;
  readonly #listener = Deno.listen({ transport: "unix", path: this.path });
  readonly #serving: Promise<void>;
  readonly #lines: string[] = [];
  #wake = Promise.withResolvers<void>();
  #conn: Deno.Conn | undefined;
  readonly messages: string[] = [];
  readonly logged: string[] = [];

  constructor() {
    this.#serving = this.#serve();
  }

  async #serve(): Promise<void> {
    this.#conn = await this.#listener.accept();
    const splitter = new LineSplitter((line) => {
      this.#lines.push(line);
      this.#wake.resolve();
    }, { maxLength: 1e9, onOversize() {} });
    const buffer = new Uint8Array(1024);
    for (;;) {
      const count = await this.#conn.read(buffer).catch(() => null);
      if (count === null) return;
      splitter.push(buffer.subarray(0, count));
    }
  }

  /** The next line that it is sent. */
  async heard(): Promise<Json> {
    while (this.#lines.length === 0) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    return JSON.parse(this.#lines.shift()!);
  }

  async say(...lines: string[]): Promise<void> {
    await this.#conn!.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  close(): void {
    this.#conn!.close();
  }

  open(): Promise<Lane | undefined> {
    return openLane({
      target: {
        ...{ url: "http://127.0.0.1:1", socket: this.path, session: "id" },
        ...{ token: undefined, server: "x", project: undefined },
      },
      onMessage: (text) => this.messages.push(text),
      log: (text) => this.logged.push(text),
    });
  }

  /** A lane that is open. */
  async opened(): Promise<Lane> {
    const opening = this.open();
    deepEqual(await this.heard(), { aichaku: { server: "x", session: "id" } });
    await this.say('{"aichaku":{"session":"found","maxBytes":300}}');
    return (await opening)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    try {
      this.#conn?.close();
    } catch {
      // Closed by the test.
    }
    await this.#serving;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What becomes of a call. */
function ask(lane: Lane, id: string, method = "tools/call"): Promise<string> {
  const line = `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`;
  return new Promise((settle, fail) => lane.ask({ id, method, line, settle, fail }));
}

const unix = (name: string, run: () => Promise<void>) =>
  Deno.test({ name, ignore: Deno.build.os === "windows", fn: run });

unix(
  "answers find their calls, in whatever form they come; everything else is passed on",
  async () => {
    await using daemon = new Daemon();
    const lane = await daemon.opened();
    const ids = ["1", '"a"', '"\\"\u00e9"', "12345678901234567890", "-4"];
    const asked = ids.map((id) => ask(lane, id));
    for (const _ of ids) await daemon.heard();
    const other = '{"jsonrpc":"2.0","id":1,"method":"roots/list"}';
    const answers = [
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{"result":{"id":-4},"jsonrpc":"2.0","id":"a"}',
      '{"jsonrpc":"2.0","id":"\\"\u00e9","error":{"code":1,"message":""}}',
      '{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}',
      '{"id":-4,"jsonrpc":"2.0","result":{}}',
    ];
    await daemon.say(other, ...answers);
    deepEqual(await Promise.all(asked), answers);
    deepEqual(daemon.messages, [other]);
    lane.close("over");
    await lane.ended;
  },
);

unix("an answer that is no JSON is told to whoever waits for it, and to nobody else", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const [first, second] = [ask(lane, "1"), ask(lane, "21")];
  for (let i = 0; i < 2; i++) await daemon.heard();
  const isInvalid = (error: unknown) =>
    error instanceof Fault && error.reason === "upstream_invalid";
  const refused = rejects(second, isInvalid);
  await daemon.say('{"result":{"value":NaN},"jsonrpc":"2.0","id":21}');
  await refused;
  await daemon.say('{"jsonrpc":"2.0","id":1,"result":{}}');
  equal(await first, '{"jsonrpc":"2.0","id":1,"result":{}}');
  deepEqual(daemon.messages, []);
  lane.close("over");
  await lane.ended;
});

unix("an id that is in flight is refused, and the first call under it is not touched", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const first = ask(lane, "1");
  await rejects(ask(lane, "1"), /id 1 is still in flight/);
  await daemon.heard();
  await daemon.say('{"jsonrpc":"2.0","id":1,"result":{}}');
  equal(await first, '{"jsonrpc":"2.0","id":1,"result":{}}');
  lane.close("over");
  await lane.ended;
});

unix("a call whose connection broke may have been executed", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const lost = ask(lane, "1");
  await daemon.heard();
  daemon.close();
  await rejects(lost, (error) => error instanceof Fault && error.reason === "draining");
  await lane.ended;
  await rejects(ask(lane, "2"), NotSent);
  await rejects(lane.tell("{}"), NotSent);
});

unix("it was not, where the daemon says that it answered all that it took", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const asked = ask(lane, "1");
  await daemon.heard();
  await daemon.say('{"aichaku":{"unanswered":"not begun"}}');
  daemon.close();
  await rejects(asked, NotSent);
  await lane.ended;
});

unix("a server's message that looks like the daemon's own is a message", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const asked = ask(lane, "1");
  await daemon.heard();
  const forged = '"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
  await daemon.say(`{"aichaku":{"unanswered":"not begun"},${forged}`);
  await daemon.say(`{"aichaku":{"session":"found","maxBytes":1},${forged}`);
  daemon.close();
  // The call may have been begun: it is not made again.
  await rejects(asked, (error) => error instanceof Fault && error.reason === "draining");
  await lane.ended;
});

unix("calls that nobody waits for any more fail with the reason", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  const asked = ask(lane, "1");
  lane.close(new Error("enough"));
  await rejects(asked, /enough/);
  await lane.ended;
});

unix(
  "a session that the daemon does not know is told apart from a daemon that has no lanes",
  async () => {
    const refusal = (reason: string) =>
      new Fault("invalid_request", "no").toResponseText("null").replace(
        /"reason":"[a-z_]*"/,
        `"reason":"${reason}"`,
      );
    for (const reason of ["session_not_found", "draining"]) {
      await using daemon = new Daemon();
      const opening = daemon.open();
      const refused = rejects(
        opening,
        (error) => error instanceof NotSent && error.error.reason === reason,
      );
      await daemon.heard();
      await daemon.say(refusal(reason));
      await refused;
      deepEqual(daemon.logged, [], "what the bridge deals with by itself is no news to a person");
    }
    await using older = new Daemon();
    const opening = older.open();
    await older.heard();
    await older.say(refusal("invalid_request"));
    equal(await opening, undefined);
  },
);

unix("nobody at the socket: nothing was sent", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  lane.close("over");
  await lane.ended;
  await Deno.remove(daemon.path);
  await rejects(daemon.open(), NotSent);
});

unix("a message that may be too long for the connection is not for it", async () => {
  await using daemon = new Daemon();
  const lane = await daemon.opened();
  deepEqual([lane.takes("x".repeat(100)), lane.takes("x".repeat(101))], [true, false]);
  lane.close("over");
  await lane.ended;
});
