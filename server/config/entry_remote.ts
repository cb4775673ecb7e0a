/**
 * An entry with a `url`: a server reached over the network. Neither the URL nor a header's value is
 * ever shown: tokens stand in both.
 *
 * @module
 */

import { nodeAt } from "./document.ts";
import type { EntryScope } from "./entry_scope.ts";
import type { EntryCommon, RemoteEntry } from "./types.ts";
import { placeOf } from "./validate.ts";

const SCHEMES: Readonly<Record<RemoteEntry["type"], readonly string[]>> = {
  http: ["http:", "https:"],
  sse: ["http:", "https:"],
  ws: ["ws:", "wss:"],
};

/** Reads such an entry. What keeps it from running is recorded in the scope. */
export function readRemote(
  scope: EntryScope,
  type: RemoteEntry["type"],
  common: EntryCommon,
): RemoteEntry {
  return {
    ...common,
    kind: "remote",
    type,
    url: readUrl(scope, type),
    headers: readHeaders(scope),
  };
}

function readUrl(scope: EntryScope, type: RemoteEntry["type"]): string {
  const written = scope.input.url;
  if (written === undefined) {
    scope.trouble(scope.property.key, `its type is "${type}" and it has no "url"; add it`);
    return "";
  }
  const url = scope.text(written, { place: ["url"] });
  if (url !== undefined && !SCHEMES[type].includes(URL.parse(url)?.protocol ?? "")) {
    const beginnings = SCHEMES[type].map((scheme) => `"${scheme}//"`).join(" or ");
    scope.trouble(
      scope.nodeOf("url"),
      `its "url" must be a whole URL that begins with ${beginnings}`,
    );
  }
  return url ?? "";
}

function readHeaders(scope: EntryScope): Record<string, string> {
  const headers: [string, string][] = [];
  for (const [name, written] of scope.input.headers ?? []) {
    const place = ["headers", name];
    const value = scope.text(written, { place });
    if (value === undefined) continue;
    if (!isHeader(name, value)) {
      scope.trouble(
        nodeAt(scope.nodeOf("headers"), [name]),
        `${placeOf(place)} cannot be sent as an HTTP header; its name must be one word, ` +
          "its value one line without characters beyond Latin-1",
      );
    }
    headers.push([name, value]);
  }
  return Object.fromEntries(headers);
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
