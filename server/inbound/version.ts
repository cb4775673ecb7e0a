/**
 * Which revisions are spoken here. A client that names another learns which, by the list in the error.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isLegacyRevision, SUPPORTED_REVISIONS } from "../../protocol/revisions.ts";

/** The header that names the revision of a request. */
export const VERSION_HEADER = "mcp-protocol-version";

/**
 * Checks the revision that the header of a request names, if there is one.
 *
 * @throws {Fault} `unsupported_version`.
 */
export function checkVersion(requested: string | null): void {
  if (requested !== null && !isLegacyRevision(requested)) throw unsupported(requested);
}

function unsupported(version: string): Fault {
  const requested = version.slice(0, 40);
  return new Fault(
    "unsupported_version",
    `Unsupported protocol version ${JSON.stringify(requested)}`,
    { extra: { supported: SUPPORTED_REVISIONS, requested } },
  );
}
