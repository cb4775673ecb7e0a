import assert from "node:assert/strict";
import { type RecordedWire, Recording } from "./recorder/recording.ts";
import { type Leniency, verdictOn } from "./verdict.ts";

// deno-lint-ignore no-explicit-any -- messages of every shape
type Json = any;

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "c", version: "1" },
  },
};
const INITIALIZED = {
  jsonrpc: "2.0",
  id: 0,
  result: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    serverInfo: { name: "s", version: "1" },
  },
};
const LIST = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const TOOLS = {
  jsonrpc: "2.0",
  id: 1,
  result: { tools: [{ name: "t", inputSchema: { type: "object" } }] },
};
const BAD_TOOLS = { jsonrpc: "2.0", id: 1, result: { tools: [{ name: "t" }] } };

/** Records, and gives what the referee says of it. */
async function verdict(
  record: (recording: Recording) => void,
  leniency?: Leniency,
): Promise<{ violations: string[]; judged: Record<string, number> }> {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-recorded-" });
  try {
    {
      using recording = new Recording(folder);
      record(recording);
    }
    const { violations, judged } = await verdictOn(folder, leniency);
    return { violations: violations.map(({ from, why }) => `${from}: ${why}`), judged };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function line(message: Json): string {
  return `${JSON.stringify(message)}\n`;
}

/** A client of lines that begins a session and asks for the tools. */
function client(recording: Recording, answer: Json): void {
  const wire = recording.begin({ kind: "lines", over: "unix" });
  wire.said("client", line({ aichaku: { server: "s" } }) + line(INITIALIZE));
  wire.said("server", line(INITIALIZED));
  // Pieces end where they like.
  wire.said("client", line(LIST).slice(0, 10));
  wire.said("client", line(LIST).slice(10));
  wire.said("server", line(answer));
}

function child(recording: Recording, answer: Json): RecordedWire {
  const wire = recording.begin({ kind: "child", pid: 1 });
  wire.said("client", line(INITIALIZE) + line(LIST));
  wire.said("server", line(INITIALIZED) + line(answer));
  return wire;
}

const ONLY_OURS = { judges: "only ours", because: "of this test" } as const;

Deno.test("what is right on both sides is judged, and nothing is said of it", async () => {
  const { violations, judged } = await verdict((recording) => {
    client(recording, TOOLS);
    child(recording, TOOLS);
  });
  assert.deepEqual(violations, []);
  assert.deepEqual(judged, { "2025-06-18": 8 });
});

Deno.test("this program's own mistakes are never allowed for", async () => {
  const record = (recording: Recording) => {
    client(recording, BAD_TOOLS);
    child(recording, TOOLS);
  };
  for (const leniency of [undefined, ONLY_OURS]) {
    const { violations } = await verdict(record, leniency);
    assert.equal(violations.length, 1);
    assert.match(violations[0], /server: ListToolsResult\/tools\/0 .*inputSchema/);
  }
});

Deno.test("a peer's mistake is blamed on the peer alone, also when it was passed on", async () => {
  const record = (recording: Recording) => {
    client(recording, BAD_TOOLS);
    child(recording, BAD_TOOLS);
  };
  assert.equal((await verdict(record)).violations.length, 1);
  assert.deepEqual((await verdict(record, ONLY_OURS)).violations, []);
});

Deno.test("an answer given twice is never passed on", async () => {
  const { violations } = await verdict((recording) => {
    const wire = child(recording, TOOLS);
    wire.said("server", line(TOOLS));
    client(recording, TOOLS);
    const other = recording.begin({ kind: "websocket", path: "/ws" });
    other.said("client", JSON.stringify(LIST));
    for (let times = 0; times < 2; times++) other.said("server", JSON.stringify(TOOLS));
  }, ONLY_OURS);
  assert.deepEqual(violations, ["server: it was answered before"]);
});

Deno.test("a session over HTTP is one conversation, whatever streams its messages come by", async () => {
  const post = (recording: Recording, path: string, { session, said, answer }: Json) => {
    const wire = recording.begin({ kind: "http", method: "POST", path, session });
    wire.said("client", JSON.stringify(said));
    wire.note({ response: { status: 200, type: "application/json", session: "a" } });
    if (answer !== undefined) wire.said("server", JSON.stringify(answer));
  };
  const stream = (recording: Recording, text: string) => {
    const wire = recording.begin({ kind: "http", method: "GET", path: "/mcp", session: "a" });
    wire.note({ response: { status: 200, type: "text/event-stream", session: "a" } });
    wire.said("server", text);
  };
  const event = (id: number, message: Json) => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;
  const record = (answer: Json) => (recording: Recording) => {
    post(recording, "/mcp", { said: INITIALIZE, answer: INITIALIZED });
    post(recording, "/mcp", { session: "a", said: LIST });
    stream(recording, `: open\n\n${event(1, answer)}`);
    // Taken up again: the same event is not said twice.
    stream(recording, event(1, answer));
  };
  assert.deepEqual(await verdict(record(TOOLS)), {
    violations: [],
    judged: { "2025-06-18": 4 },
  });
  assert.equal((await verdict(record(BAD_TOOLS))).violations.length, 1);
  assert.deepEqual(
    (await verdict(record({ ...TOOLS, id: 2 }))).violations,
    ["server: it answers nothing that was asked"],
  );
});

Deno.test("the end of a recording may be anywhere in a piece", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-recorded-" });
  try {
    {
      using recording = new Recording(folder);
      client(recording, TOOLS);
    }
    const file = `${folder}/${fileIn(folder)}`;
    const whole = Deno.readFileSync(file);
    for (let length = 0; length <= whole.length; length++) {
      Deno.writeFileSync(file, whole.subarray(0, length));
      assert.deepEqual((await verdictOn(folder)).violations, []);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a recording that is full stays sound", async () => {
  for (let maxBytes = 0; maxBytes < 3000; maxBytes += 50) {
    const folder = await Deno.makeTempDir({ prefix: "aichaku-recorded-" });
    try {
      {
        using recording = new Recording(folder, maxBytes);
        for (let times = 0; times < 3; times++) client(recording, TOOLS);
      }
      assert.ok(Deno.statSync(`${folder}/${fileIn(folder)}`).size < maxBytes + 1000);
      assert.deepEqual((await verdictOn(folder)).violations, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
});

function fileIn(folder: string): string {
  return Deno.readDirSync(folder).toArray()[0].name;
}
