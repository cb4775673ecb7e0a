import assert from "node:assert/strict";
import fc from "fast-check";
import { SSE_KEEP_ALIVE, sseText } from "./sse.ts";

Deno.test("an event is written with its name, its id and its data", () => {
  assert.equal(sseText({ data: "{}" }), "data: {}\n\n");
  assert.equal(
    sseText({ event: "endpoint", id: "7", data: "x" }),
    "event: endpoint\nid: 7\ndata: x\n\n",
  );
  assert.equal(sseText({ data: "" }), "data: \n\n");
});

/** The data of the only event in `text`, read as the standard says. */
function dataOf(text: string): string {
  assert.match(text, /\n\n$/);
  const lines = text.slice(0, -2).split(/\r\n|\r|\n/);
  return lines.map((line) => {
    assert.match(line, /^data: /, "a line of data must not become another field or another event");
    return line.slice("data: ".length);
  }).join("\n");
}

Deno.test("no data can end its event or add a field, whatever line ends are in it", () => {
  const data = fc.array(
    fc.constantFrom("\n", "\r", "\r\n", "data: ", "event: x", "id: 1", ":", " ", "é"),
  )
    .map((parts) => parts.join(""));
  fc.assert(fc.property(data, (data) => {
    assert.equal(dataOf(sseText({ data })), data.replace(/\r\n|\r/g, "\n"));
  }));
});

Deno.test("the keep-alive is a comment", () => {
  assert.match(SSE_KEEP_ALIVE, /^:.*\n\n$/);
});
