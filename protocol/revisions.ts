/**
 * The protocol revisions this program knows, newest first, and the eras they belong to.
 *
 * Legacy revisions begin with `initialize`; modern ones (2026-07-28) are stateless.
 *
 * @module
 */

/** Revisions negotiated by `initialize`, newest first. */
export const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** What the daemon asks of an upstream, and offers to a client whose own wish it does not know. */
export const LATEST_LEGACY_REVISION = LEGACY_REVISIONS[0];

/** Whether `version` is negotiated by `initialize` and known here. */
export function isLegacyRevision(version: string): boolean {
  return (LEGACY_REVISIONS as readonly string[]).includes(version);
}

/**
 * The revision to answer an `initialize` with: the client's own when it is known, else the latest.
 *
 * Source: MCP 2025-11-25, basic/lifecycle, "Version Negotiation".
 */
export function negotiateRevision(requested: unknown): string {
  return typeof requested === "string" && isLegacyRevision(requested)
    ? requested
    : LATEST_LEGACY_REVISION;
}
