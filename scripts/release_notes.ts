/**
 * Checks that a release is what its tag says, and writes its notes: the section of CHANGELOG.md.
 *
 *     deno run --allow-read --allow-write scripts/release_notes.ts v0.1.0 FILE
 *
 * @module
 */

import { VERSION } from "../protocol/version.ts";
import { releaseNotes } from "./lib/changelog.ts";

const [tag, file] = Deno.args;
if (file === undefined) {
  console.error("release_notes: needs a tag and a file");
  Deno.exit(2);
}
const { version } = JSON.parse(await Deno.readTextFile("deno.json"));
for (const [where, found] of [["protocol/version.ts", VERSION], ["deno.json", version]]) {
  if (tag === `v${found}`) continue;
  console.error(`release_notes: the tag is ${tag}, and ${where} says ${found}`);
  Deno.exit(1);
}
try {
  const notes = releaseNotes(await Deno.readTextFile("CHANGELOG.md"), version);
  await Deno.writeTextFile(file, notes);
} catch (error) {
  console.error(`release_notes: ${(error as Error).message}`);
  Deno.exit(1);
}
