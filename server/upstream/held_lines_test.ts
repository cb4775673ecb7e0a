import { deepEqual, equal } from "node:assert/strict";
import { HeldLines } from "./held_lines.ts";

function held(...ids: number[]) {
  const lines = new HeldLines();
  for (const id of ids) lines.add(id, `line ${id}`);
  return lines;
}

Deno.test("lines go out in their order, until one is refused; the rest waits on", () => {
  const lines = held(1, 2, 3);
  const sent: string[] = [];
  lines.flush((text) => sent.length < 2 && sent.push(text) > 0, () => true);
  deepEqual(sent, ["line 1", "line 2"]);
  deepEqual(lines.ids, [3]);
  equal(lines.length, "line 3".length);
  lines.flush((text) => sent.push(text) > 0, () => true);
  equal(sent.at(-1), "line 3");
  equal(lines.isEmpty, true);
  equal(lines.length, 0);
});

Deno.test("nothing goes out while it may not, and no more once it may not any more", () => {
  const lines = held(1, 2);
  const sent: string[] = [];
  let left = 0;
  const send = (text: string) => sent.push(text) > 0;
  const mayGo = () => left-- > 0;
  lines.flush(send, mayGo);
  deepEqual(sent, []);
  left = 1;
  lines.flush(send, mayGo);
  deepEqual(sent, ["line 1"]);
  deepEqual(lines.ids, [2]);
});

Deno.test("a line that is taken out is not sent, and its length is given back", () => {
  const lines = held(1, 2);
  equal(lines.remove(1), true);
  equal(lines.remove(1), false);
  equal(lines.length, "line 2".length);
  lines.clear();
  equal(lines.isEmpty, true);
  equal(lines.length, 0);
});
