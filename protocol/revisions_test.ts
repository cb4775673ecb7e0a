import assert from "node:assert/strict";
import { negotiateRevision } from "./revisions.ts";

Deno.test("a client gets the revision it asks for, or the latest that begins with initialize", () => {
  for (const known of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
    assert.equal(negotiateRevision(known), known);
  }
  for (const unknown of ["2026-07-28", "1.0", "", undefined, null, 20251125, {}]) {
    assert.equal(negotiateRevision(unknown), "2025-11-25");
  }
});
