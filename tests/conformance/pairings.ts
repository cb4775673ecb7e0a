/**
 * What the suite is run against: servers of either era as children of the daemon, and how its client
 * comes to them.
 *
 * @module
 */

/** The eras of the fixture. */
export type Era = "legacy" | "modern";

/** Revisions of the suite, oldest first. */
export const REVISIONS = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] as const;

/** A revision of the suite. */
export type Revision = typeof REVISIONS[number];

/** One way from a client to a server. */
export interface Pairing {
  /** For people, and for the list of exceptions. */
  name: "legacy child" | "modern child" | "legacy child, named client";
  /** What the server speaks. */
  era: Era;
  /** Name of the server in the configuration. */
  server: string;
  /** Added to the address. */
  query: string;
  /** Whether the server is to have asked two clients at once before. */
  hasAsked: boolean;
  revisions: readonly Revision[];
}

/** All of them. */
export const PAIRINGS: readonly Pairing[] = [
  {
    name: "legacy child",
    era: "legacy",
    server: "legacy",
    query: "",
    hasAsked: false,
    revisions: REVISIONS,
  },
  {
    name: "modern child",
    era: "modern",
    server: "modern",
    query: "",
    hasAsked: false,
    revisions: REVISIONS,
  },
  {
    // A process for itself is told of the client's roots. A name means nothing in older revisions.
    name: "legacy child, named client",
    era: "legacy",
    server: "learned",
    query: "?client=suite",
    hasAsked: true,
    revisions: ["2026-07-28"],
  },
];

/** The era of the server that passes a revision directly. */
export function eraOf(revision: Revision): Era {
  return revision === "2026-07-28" ? "modern" : "legacy";
}

/** Revisions that the suite has scenarios for clients in. */
const REVISIONS_OF_CLIENTS = ["2025-06-18", "2025-11-25", "2026-07-28"] as const;

/** One way from a client to the suite as its server. */
export interface ClientWay {
  /** For people. */
  name: string;
  /** What `client_program.ts` calls it. */
  way: "own" | "bridge";
  /** Those that it is run in. */
  revisions: readonly Revision[];
}

/** All of them. */
export const CLIENT_WAYS: readonly ClientWay[] = [
  { name: "client SDK", way: "own", revisions: REVISIONS_OF_CLIENTS },
  { name: "stdio bridge", way: "bridge", revisions: REVISIONS_OF_CLIENTS },
];
