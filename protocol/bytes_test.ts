import { deepEqual } from "node:assert/strict";
import { joinBytes } from "./bytes.ts";

Deno.test("bytes in pieces are the same as in one", () => {
  const bytes = (...values: number[]) => new Uint8Array(values);
  deepEqual(joinBytes([bytes(1, 2), bytes(), bytes(3)]), bytes(1, 2, 3));
  deepEqual(joinBytes([]), bytes());
});
