/**
 * Which project a request names: `?project=` in its address, else the header `X-Aichaku-Project`,
 * percent-encoded, because a header cannot carry every path. Whether that folder may be used is decided
 * where a server needs one.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";

const HEADER = "x-aichaku-project";

/**
 * The project of a request; undefined when it names none.
 *
 * @throws {Fault} `invalid_params` when the header is not percent-encoded.
 */
export function projectOf(request: Request): string | undefined {
  // Almost no request has one: nothing is parsed for those.
  if (request.url.includes("project=")) {
    const named = new URL(request.url).searchParams.get("project");
    if (named !== null && named !== "") return named;
  }
  const header = request.headers.get(HEADER);
  if (header === null || header === "") return undefined;
  try {
    return decodeURIComponent(header);
  } catch (cause) {
    throw new Fault(
      "invalid_params",
      `Cannot read ${HEADER}: ${JSON.stringify(header.slice(0, 200))} is not percent-encoded; ` +
        `send encodeURIComponent of the folder`,
      { cause },
    );
  }
}
