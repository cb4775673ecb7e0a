/**
 * The way aichaku itself is kept to one process per user, as a library for programs of your own: the
 * first process that starts serves your HTTP application, the others find it and use it, and it ends
 * with its last user. See `docs/library.md`.
 *
 * Needs Deno: the election is a lock of the kernel's, which Node does not offer.
 *
 * @module
 */

export { StreamableHttpDaemon } from "./streamable_http_daemon.ts";
export type { StartOptions, StopOptions, StreamableHttpDaemonOptions } from "./options.ts";
export type { DaemonInfo, DaemonStart } from "./role.ts";
export type { AppKind, FetchApp, FetchHandler, NodeListener } from "./app.ts";
export { DaemonProblem } from "../daemon/problem.ts";
