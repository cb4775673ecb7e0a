import assert from "node:assert/strict";
import { decodeText, encodeLike } from "./text.ts";

Deno.test("a text is written back in the bytes it was read from", () => {
  const texts: number[][] = [
    [0x7b, 0x7d],
    [0xef, 0xbb, 0xbf, 0x7b, 0xc3, 0xbc, 0x7d],
    [0xff, 0xfe, 0x7b, 0x00, 0x3d, 0xd8, 0x00, 0xde, 0x7d, 0x00],
    [0xfe, 0xff, 0x00, 0x7b, 0xd8, 0x3d, 0xde, 0x00, 0x00, 0x7d],
    [],
  ];
  for (const numbers of texts) {
    const bytes = new Uint8Array(numbers);
    const text = decodeText(bytes)!;
    assert.ok(!text.includes("\uFEFF"), "the mark is not part of the text");
    assert.deepEqual(encodeLike(text, bytes), bytes);
  }
  assert.equal(decodeText(new Uint8Array([0xff, 0x00])), undefined);
});
