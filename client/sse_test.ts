import assert from "node:assert/strict";

import fc from "fast-check";

import { createParser } from "eventsource-parser";

import { readServerSentEvents, type ServerSentEvent } from "./sse.ts";

const encoder = new TextEncoder();

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

interface Reading {
  events: ServerSentEvent[];
  retries: number[];
  ids: string[];
}

async function read(chunks: readonly Uint8Array[]): Promise<Reading> {
  const reading: Reading = { events: [], retries: [], ids: [] };
  const events = readServerSentEvents(streamOf(chunks), {
    onRetry: (ms) => reading.retries.push(ms),
    onId: (id) => reading.ids.push(id),
  });
  for await (const event of events) reading.events.push(event);
  return reading;
}

async function dataOf(text: string): Promise<string[]> {
  return (await read([encoder.encode(text)])).events.map(({ data }) => data);
}

/**
 * The specification, sentence by sentence, over a whole text. Slow, simple, and independent of the
 * implementation.
 */
function interpret(bytes: Uint8Array): Reading {
  const text = new TextDecoder().decode(bytes); // "UTF-8 decode" strips one leading BOM.
  const lines = text.split(/\r\n|\n|\r/);
  lines.pop(); // What follows the last line end is no line: "end-of-line" is part of it.
  const reading: Reading = { events: [], retries: [], ids: [] };
  let data = "", type = "", id = "", lastEventId = "";
  for (const line of lines) {
    if (line === "") {
      if (id !== lastEventId) lastEventId = id;
      if (data !== "") {
        reading.events.push({ type: type || "message", data: data.slice(0, -1), lastEventId });
      }
      data = "";
      type = "";
      continue;
    }
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") type = value;
    if (field === "data") data += `${value}\n`;
    if (field === "id" && !value.includes("\0")) id = value;
    if (field === "retry" && /^[0-9]+$/.test(value)) reading.retries.push(Number(value));
  }
  return reading;
}

Deno.test("sse: the examples of the specification", async () => {
  assert.deepEqual(await dataOf("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
  assert.deepEqual(
    (await read([encoder.encode(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
    )])).events,
    [
      { type: "message", data: "first event", lastEventId: "1" },
      { type: "message", data: "second event", lastEventId: "" },
    ],
  );
  assert.deepEqual(await dataOf("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
  assert.deepEqual(await dataOf("data:test\n\ndata: test\n\n"), ["test", "test"]);
});

Deno.test("sse: an event that no blank line finished is not an event", async () => {
  for (const end of ["", "\n", "\r", "\r\n"]) {
    assert.deepEqual(
      await dataOf(`data: whole\n\ndata: half${end}`),
      ["whole"],
      JSON.stringify(end),
    );
  }
});

Deno.test("sse: an event arrives with the line end of its blank line, whichever it is", async () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const events = readServerSentEvents(readable);
    const first = events.next();
    await writer.write(encoder.encode(`data: now${end}${end}`));
    // The stream stays open: only the bytes above can have made the event.
    assert.deepEqual((await first).value, { type: "message", data: "now", lastEventId: "" });
    await events.return();
    await writer.close().catch(() => {});
  }
});

Deno.test("sse: CR and LF of one line end may come in different chunks", async () => {
  const chunks = ["data: a\r", "\n\r", "\ndata: b\r", "\r", "\ndata: c\n", "\n"];
  const { events } = await read(chunks.map((chunk) => encoder.encode(chunk)));
  assert.deepEqual(events.map(({ data }) => data), ["a", "b", "c"]);
});

Deno.test("sse: one byte order mark at the start is dropped, any other is text", async () => {
  assert.deepEqual(await dataOf("\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n"), [
    "a",
    "\uFEFFc",
  ]);
  const apart = await read(["data: a\n\n", "\uFEFFdata: b\n\n"].map((c) => encoder.encode(c)));
  assert.deepEqual(apart.events.map(({ data }) => data), ["a"]);
  const bom = [0xef, 0xbb, 0xbf].map((byte) => new Uint8Array([byte]));
  const { events } = await read([...bom, encoder.encode("data: split\n\n")]);
  assert.deepEqual(events.map(({ data }) => data), ["split"]);
});

Deno.test("sse: an id lasts until the next one, and one with NUL does not count", async () => {
  const { events, ids } = await read([
    encoder.encode("id: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\nid: 9\n\ndata: d\n\n"),
  ]);
  assert.deepEqual(events.map(({ lastEventId }) => lastEventId), ["7", "7", "7", "9"]);
  assert.deepEqual(ids, ["7", "9"]);
});

Deno.test("sse: retry is digits only, and counts in a block without data or end", async () => {
  const { retries } = await read([
    encoder.encode("retry: 10\n\nretry: 1e3\n\nretry: -5\n\nretry:\n\nretry: 20\ndata: cut off"),
  ]);
  assert.deepEqual(retries, [10, 20]);
});

Deno.test("sse: one large event in many chunks takes linear time", async () => {
  const line = encoder.encode("x".repeat(1024));
  const chunks = [encoder.encode("data: "), ...Array(8 * 1024).fill(line), encoder.encode("\n\n")];
  const { events } = await read(chunks);
  assert.equal(events[0].data.length, 8 * 1024 * 1024);
});

Deno.test("sse: an event above the limit is an error, and what came before it is not lost", async () => {
  const stream = streamOf([encoder.encode(`data: a\n\ndata: ${"x".repeat(1001)}\n\ndata: b\n\n`)]);
  const events = readServerSentEvents(stream, { maxLength: 1000 });
  assert.equal((await events.next()).value?.data, "a");
  await assert.rejects(events.next(), RangeError);
});

Deno.test("sse: leaving the loop cancels the stream", async () => {
  const cancelled = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode("data: x\n\n")),
    cancel: () => cancelled.resolve(),
  });
  for await (const event of readServerSentEvents(stream)) {
    assert.equal(event.data, "x");
    break;
  }
  await cancelled.promise;
});

Deno.test("sse: reads any bytes as the specification does, whatever the chunks (fuzz)", async () => {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "\r\r") },
    {
      weight: 5,
      arbitrary: fc.constantFrom("data:", "data: ", "event:", "id:", "retry:", "data", "id"),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(":", " ", "\0", "\uFEFF", "é", "😀", "12", "unknown: "),
    },
    { weight: 2, arbitrary: fc.string({ maxLength: 6 }) },
  );
  const bytes = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.array(piece, { maxLength: 40 }).map((p) => encoder.encode(p.join(""))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
  const cuts = fc.array(fc.nat({ max: 12 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(bytes, cuts, async (bytes, cuts) => {
      const chunks: Uint8Array[] = [];
      let rest = bytes;
      for (const cut of cuts) {
        chunks.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      const { events, retries } = await read([...chunks, rest]);
      const expected = interpret(bytes);
      assert.deepEqual({ events, retries }, { events: expected.events, retries: expected.retries });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("sse: reads any text as eventsource-parser does, whatever the chunks (fuzz)", async () => {
  const value = fc.oneof(
    fc.constantFrom("", " ", "  x", "é", "😀", ":", "7", "a:b", "\uFEFF"),
    fc.string({ maxLength: 5 }).map((text) => text.replaceAll(/[\r\n\0]/g, "")),
  );
  const line = fc.oneof(
    { weight: 4, arbitrary: value.map((text) => `data:${text}`) },
    { weight: 3, arbitrary: fc.constant("") },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom("event", "id", "retry", "other", ""), value)
        .map((pair) => pair.join(":")),
    },
    { weight: 1, arbitrary: fc.constantFrom("data", "event", "id", "retry") },
  );
  const text = fc.tuple(
    fc.constantFrom("", "\uFEFF"),
    fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 25 }),
  ).map(([bom, lines]) => bom + lines.map(([text, end]) => text + end).join("") + ":\n");
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat({ max: 9 }), { maxLength: 30 }), async (text, cuts) => {
      const expected: Reading = { events: [], retries: [], ids: [] };
      let lastEventId = "";
      const reference = createParser({
        onEvent(event) {
          // It tells an event's own id only; the specification carries it on.
          if (event.id !== undefined) lastEventId = event.id;
          expected.events.push({ type: event.event || "message", data: event.data, lastEventId });
        },
        onRetry: (ms) => expected.retries.push(ms),
      });
      reference.feed(text);
      const chunks: Uint8Array[] = [];
      let rest = encoder.encode(text);
      for (const cut of cuts) {
        chunks.push(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      const { events, retries } = await read([...chunks, rest]);
      const dataOf = (all: ServerSentEvent[]) => all.map(({ type, data }) => ({ type, data }));
      assert.deepEqual(dataOf(events), dataOf(expected.events));
      assert.deepEqual(retries, expected.retries);
      // An id in a block without data counts as well, but the reference does not tell it.
      if (!/(^|[\r\n])id(:|[\r\n])/.test(text.replace(/^\uFEFF/, ""))) {
        assert.deepEqual(events, expected.events);
      }
    }),
    { numRuns: 2000 },
  );
});
