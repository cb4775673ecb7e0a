import assert from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { readJsonBody } from "./body.ts";

const JSON_TYPE = "application/json";

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
    await readJsonBody(request, maxBytes);
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
      assert.equal(await readJsonBody(post(text, { chunk }), 1000), text);
    }
  });

  Deno.test(`a body ${how} may be as long as the limit, and no longer`, async () => {
    assert.equal(await statusOf(post("x".repeat(1000), { chunk })), 200);
    assert.equal(await statusOf(post("x".repeat(1001), { chunk })), 413);
    assert.equal(await statusOf(post("é".repeat(501), { chunk })), 413, "bytes count");
  });

  Deno.test(`a byte order mark before a body ${how} is left out`, async () => {
    for (const text of ["{}", '{"a":"\ufffd"}']) {
      assert.equal(await readJsonBody(post("\ufeff" + text, { chunk }), 1000), text);
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

Deno.test("a body whose length says too much is not read at all", async () => {
  let pulled = 0;
  let cancelled = false;
  const request = new Request("http://127.0.0.1/", {
    method: "POST",
    headers: { "content-type": JSON_TYPE, "content-length": "2000" },
    body: new ReadableStream({
      pull: () => void pulled++,
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 }),
  });
  assert.equal(await statusOf(request), 413);
  assert.deepEqual([pulled, cancelled], [0, true]);
});

Deno.test("a length that is no number is no way around the limit", async () => {
  assert.equal(await statusOf(post("x".repeat(2000), { length: "many" })), 413);
});

Deno.test("an endless body in chunks is cut off at the limit", async () => {
  let sent = 0;
  let cancelled = false;
  const request = new Request("http://127.0.0.1/", {
    method: "POST",
    headers: { "content-type": JSON_TYPE },
    body: new ReadableStream({
      pull(controller) {
        sent += 100;
        controller.enqueue(new Uint8Array(100));
      },
      cancel: () => void (cancelled = true),
    }),
  });
  assert.equal(await statusOf(request), 413);
  assert.ok(cancelled && sent < 1500);
});

Deno.test("a connection that breaks is no fault of the daemon's", async () => {
  for (const length of [{ "content-length": "10" }, {}]) {
    const request = new Request("http://127.0.0.1/", {
      method: "POST",
      headers: { "content-type": JSON_TYPE, ...length } as Record<string, string>,
      body: new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }),
    });
    await assert.rejects(readJsonBody(request, 1000), { reason: "parse_error" });
  }
});
