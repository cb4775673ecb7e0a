import assert from "node:assert/strict";
import { VERSION } from "../../protocol/version.ts";
import { releaseNotes } from "./changelog.ts";

const TEXT = `# Changelog

## 0.2.0 - unreleased

More.

## 0.1.0 - 2026-01-02

### Added

- One.

## 0.0.1 - 2025-01-01
`;

Deno.test("a version's section, without its heading", () => {
  assert.equal(releaseNotes(TEXT, "0.1.0"), "### Added\n\n- One.\n");
});

Deno.test("a section that is missing, has no day or is empty is an error", () => {
  assert.throws(() => releaseNotes(TEXT, "0.1"), /no section "## 0.1"/);
  assert.throws(() => releaseNotes(TEXT, "0.2.0"), /must have the day of the release/);
  assert.throws(() => releaseNotes(TEXT, "0.0.1"), /says nothing of 0.0.1/);
});

Deno.test("the changelog of this project has the version of the code", async () => {
  const text = await Deno.readTextFile(new URL("../../CHANGELOG.md", import.meta.url));
  const newest = /^## (\S+) - /m.exec(text)?.[1];
  assert.equal(newest, VERSION);
});
