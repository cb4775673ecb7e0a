import assert from "node:assert/strict";
import { checkSource, decodeSource, MAX_FILE_BYTES } from "./source.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("UTF-8 is decoded, a byte order mark dropped", () => {
  assert.deepEqual(decodeSource(bytes("\ufeffé")), { text: "é" });
  assert.deepEqual(checkSource("\ufeffé"), { text: "é" });
});

Deno.test("what is not text is refused with the reason", () => {
  assert.deepEqual(decodeSource(new Uint8Array([0xff, 0xfe])), { skipped: "not UTF-8 text" });
  assert.deepEqual(decodeSource(bytes("a\0b")), { skipped: "a binary file (it has a NUL byte)" });
  assert.deepEqual(checkSource("a\0b"), { skipped: "a binary file (it has a NUL byte)" });
});

Deno.test("the limit counts bytes, not letters", () => {
  const most = "é".repeat(MAX_FILE_BYTES / 2);
  assert.deepEqual(checkSource(most), { text: most });
  assert.deepEqual(decodeSource(bytes(most)), { text: most });
  const skipped = "too large: more than 2097152 bytes";
  assert.deepEqual(checkSource(most + "a"), { skipped });
  assert.deepEqual(decodeSource(bytes(most + "a")), { skipped });
});
