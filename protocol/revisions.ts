/**
 * The protocol revisions this program knows, newest first, and the eras they belong to.
 *
 * Legacy revisions begin with `initialize`; modern ones (2026-07-28) are stateless.
 *
 * @module
 */

/** Revisions negotiated by `initialize`, newest first. */
export const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** Revisions that name themselves in every request, newest first. */
export const MODERN_REVISIONS = ["2026-07-28"] as const;

/** Every revision, newest first: what a client is told that may be spoken here. */
export const SUPPORTED_REVISIONS = [...MODERN_REVISIONS, ...LEGACY_REVISIONS] as const;

/** What the daemon asks of an upstream, and offers to a client whose own wish it does not know. */
export const LATEST_LEGACY_REVISION = LEGACY_REVISIONS[0];

/** Whether `version` is negotiated by `initialize` and known here. */
export function isLegacyRevision(version: string): boolean {
  return (LEGACY_REVISIONS as readonly string[]).includes(version);
}

/** The modern revision the daemon speaks to servers. */
export const LATEST_MODERN_REVISION = MODERN_REVISIONS[0];

/** Whether `version` is named in every request and known here. */
export function isModernRevision(version: string): boolean {
  return (MODERN_REVISIONS as readonly string[]).includes(version);
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
