import { equal } from "node:assert/strict";
import { VERSION } from "./version.ts";

Deno.test("the version in the code is the version of the package", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  equal(VERSION, config.version);
});
