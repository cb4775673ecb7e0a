import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { type BodyContext, readJsonBody } from "./body.ts";

const JSON_TYPE = "application/json";
const MIB = 1024 * 1024;

/** A daemon that serves, or one that refuses everything. */
function daemon(maxBodyBytes: number, refusal?: Fault): BodyContext {
  return { limits: { maxBodyBytes }, exchange: { refusal } };
}

/** A request with these bytes; with its length told, or in chunks without it. */
function post(
  body: string | Uint8Array<ArrayBuffer>,
  { type = JSON_TYPE, chunk, length }: { type?: string | null; chunk?: number; length?: string } =
    {},
): Request {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const headers = new Headers(type === null ? {} : { "content-type": type });
  if (chunk === undefined) headers.set("content-length", length ?? String(bytes.length));
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const size = chunk ?? (bytes.length || 1);
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(bytes.slice(at, at + size));
      }
      controller.close();
    },
  });
  const request = new Request("http://127.0.0.1/", { method: "POST", body: stream, headers });
  // A Request that is made has none: it is the wire's header that is read.
  if (type === null) request.headers.delete("content-type");
  return request;
}

async function statusOf(request: Request, maxBytes = 1000): Promise<number> {
  try {
    await readJsonBody(request, daemon(maxBytes));
    return 200;
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return error.httpStatus;
  }
}

const TYPES: [type: string | null, status: number][] = [
  ["application/json", 200],
  ["application/json; charset=utf-8", 200],
  ["Application/JSON;charset=UTF-8", 200],
  [" application/json ;x", 200],
  ["text/plain", 415],
  ["application/x-www-form-urlencoded", 415],
  ["multipart/form-data; boundary=x", 415],
  ["application/jsonp", 415],
  ["application/json-rpc", 415],
  ["text/json", 415],
  ["application/json, text/plain", 415],
  ["", 415],
  [null, 415],
];

for (const [type, status] of TYPES) {
  Deno.test(`content type ${JSON.stringify(type)} gives ${status}`, async () => {
    assert.equal(await statusOf(post("{}", { type })), status);
  });
}

for (const chunk of [undefined, 7]) {
  const how = chunk === undefined ? "with its length" : "in chunks";

  Deno.test(`a body ${how} is read whole, whatever characters are in it`, async () => {
    for (const text of ["{}", '{"a":"é😀日本"}', '{"a":"\ufffd"}', ""]) {
      assert.equal(await readJsonBody(post(text, { chunk }), daemon(1000)), text);
    }
  });

  Deno.test(`a body ${how} may be as long as the limit, and no longer`, async () => {
    assert.equal(await statusOf(post("x".repeat(1000), { chunk })), 200);
    assert.equal(await statusOf(post("x".repeat(1001), { chunk })), 413);
    assert.equal(await statusOf(post("é".repeat(501), { chunk })), 413, "bytes count");
  });

  Deno.test(`a byte order mark before a body ${how} is left out`, async () => {
    for (const text of ["{}", '{"a":"\ufffd"}']) {
      assert.equal(await readJsonBody(post("\ufeff" + text, { chunk }), daemon(1000)), text);
    }
  });

  Deno.test(`a body ${how} that is not UTF-8 is refused`, async () => {
    const invalid: number[][] = [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3, 0x22],
      [0xe2, 0x82],
      [0x22, 0xf0, 0x9f, 0x98, 0x22], // As many bytes as the character that would replace them.
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0x7b, 0x00, 0x80],
      [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
    ];
    for (const bytes of invalid) {
      assert.equal(await statusOf(post(Uint8Array.from(bytes), { chunk })), 400, String(bytes));
    }
  });
}

/** A request whose body never ends, or after so many MiB, and what became of the body. */
function long(headers: HeadersInit, pieces = Infinity) {
  const seen = { sent: 0, cancelled: false };
  const piece = new Uint8Array(MIB);
  const request = new Request("http://127.0.0.1/", {
    method: "POST",
    headers: [["content-type", JSON_TYPE], ...new Headers(headers)],
    body: new ReadableStream({
      pull(controller) {
        if (pieces-- <= 0) return controller.close();
        seen.sent += piece.length;
        controller.enqueue(piece);
      },
      cancel: () => void (seen.cancelled = true),
    }, { highWaterMark: 0 }),
  });
  return { request, seen };
}

Deno.test("a body whose length says much too much, or that waits for leave, is not read at all", async () => {
  for (
    const headers of [
      { "content-length": `${64 * MIB + 1}` },
      { "content-length": "2000", expect: "100-continue" },
    ] as HeadersInit[]
  ) {
    const { request, seen } = long(headers);
    assert.equal(await statusOf(request), 413);
    assert.deepEqual(seen, { sent: 0, cancelled: true });
  }
});

Deno.test("a client that is still sending a body that is too long may finish", async () => {
  for (const headers of [{}, { "content-length": `${5 * MIB}` }] as HeadersInit[]) {
    const { request, seen } = long(headers, 5);
    assert.equal(await statusOf(request), 413);
    assert.deepEqual(seen, { sent: 5 * MIB, cancelled: false });
  }
});

Deno.test("a length that is no number is no way around the limit", async () => {
  assert.equal(await statusOf(post("x".repeat(2000), { length: "many" })), 413);
});

Deno.test("an endless body is cut off", async () => {
  for (const headers of [{}, { "content-length": "2000" }] as HeadersInit[]) {
    const { request, seen } = long(headers);
    assert.equal(await statusOf(request), 413);
    assert.ok(seen.cancelled && seen.sent <= 66 * MIB, JSON.stringify(seen));
  }
});

/** A body that breaks off; with its length told, or without it. */
function broken(length: Record<string, string>): Request {
  return new Request("http://127.0.0.1/", {
    method: "POST",
    headers: { "content-type": JSON_TYPE, ...length },
    body: new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }),
  });
}

Deno.test("a connection that breaks is no fault of the daemon's", async () => {
  for (const length of [{ "content-length": "10" }, {}] as Record<string, string>[]) {
    await assert.rejects(readJsonBody(broken(length), daemon(1000)), { reason: "parse_error" });
  }
});

Deno.test("a body that the end of the daemon cuts off is refused as any other call then", async () => {
  for (const length of [{ "content-length": "10" }, {}] as Record<string, string>[]) {
    const refusal = new Fault("draining", "The daemon is stopping");
    await assert.rejects(readJsonBody(broken(length), daemon(1000, refusal)), refusal);
  }
});
