/**
 * `POST /reload`: the configuration is read again. Control plane: it can start and end servers.
 *
 * @module
 */

import type { AppOptions } from "../daemon/app.ts";

/** What the answer holds. */
export type ReloadAnswer =
  | {
    status: "reloaded";
    added: string[];
    removed: string[];
    changed: string[];
    unchanged: string[];
    /** Settings that only a restart applies, such as `server.port`. */
    restart: string[];
  }
  | { status: "kept"; problem: string };

/**
 * Reloads and answers: 200 with what changed, or 422 with why nothing did. Up to ten seconds may pass
 * when the configuration refers to variables that only the login shell knows.
 */
export async function postReload({ requestReload }: Pick<AppOptions, "requestReload">): Promise<
  Response
> {
  const outcome = await requestReload("asked by a program with the token");
  const answer: ReloadAnswer = outcome.kind === "reloaded"
    ? { status: "reloaded", ...outcome.report }
    : { status: "kept", problem: outcome.problem };
  return Response.json(answer, { status: outcome.kind === "reloaded" ? 200 : 422 });
}
