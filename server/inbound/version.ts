/**
 * Which revisions are spoken here. A client that names another learns which, by the list in the error.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import { isLegacyRevision, SUPPORTED_REVISIONS } from "../../protocol/revisions.ts";

const HEADER = "mcp-protocol-version";

/**
 * Checks the revision that the headers of a request name.
 *
 * @throws {Fault} `unsupported_version`.
 */
export function checkVersionHeader(headers: Headers): void {
  const requested = headers.get(HEADER);
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
