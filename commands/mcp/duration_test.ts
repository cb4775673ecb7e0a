import { equal } from "node:assert/strict";
import { duration } from "./duration.ts";

Deno.test("durations show their two largest units", () => {
  equal(duration(0), "0 s");
  equal(duration(59.9), "59 s");
  equal(duration(61), "1 min 1 s");
  equal(duration(3_600), "1 h");
  equal(duration(3_605), "1 h");
  equal(duration(200_000), "2 d 7 h");
  equal(duration(-5), "0 s");
});
