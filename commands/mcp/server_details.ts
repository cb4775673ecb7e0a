/**
 * What status tells of one server beyond its state: its processes, how clients share it and who said so,
 * what went wrong.
 *
 * @module
 */

import { lastWordsIn } from "../../server/upstream/last_words.ts";
import type { InstanceReport, ServerReport } from "../../server/admin/servers.ts";
import { duration } from "./duration.ts";

/**
 * Lines for people, without indentation.
 *
 * @param report As a daemon gave it, perhaps one of another version: whatever is missing is left out.
 */
export function serverDetails(report: Partial<ServerReport>): string[] {
  const { sharing, isolated, instances = [], lastError, reason } = report;
  return [
    ...instances.map(instanceLine).filter((line) => line !== undefined),
    ...(sharing === undefined ? [] : [`sharing: ${sharing.mode} (${originOf(sharing)})`]),
    ...(isolated === undefined
      ? []
      : [`clients that can be asked have a process each: ${isolated}`]),
    ...problemLines(lastError, reason),
  ];
}

/** What the reason beside the state does not say yet. */
function problemLines(lastError: string | undefined, reason: string | undefined): string[] {
  const known = reason === undefined ? undefined : firstLine(reason);
  const isKnown = lastError === undefined ||
    (known !== undefined && firstLine(lastError).endsWith(known));
  // A server that needs a key or a login says so on its standard error; of a remote one it is what to do.
  const lastWords = reason === undefined ? undefined : lastWordsIn(reason);
  return [
    ...(isKnown ? [] : [`last error: ${firstLine(lastError)}`]),
    ...(lastWords === undefined ? [] : [`more: ${lastWords}`]),
  ];
}

/** One process or connection; undefined for one that rests, unless a client's project does. */
function instanceLine(instance: InstanceReport): string | undefined {
  const { pid, state, uptime, project, own, clientsCan, rssBytes, cpuSeconds } = instance;
  if (pid === undefined && (project === undefined || instance.clients === 0)) return undefined;
  const { clients, callsInFlight, callsQueued, restarts } = instance;
  return [
    pid === undefined ? `no process (${state})` : `process ${pid}`,
    uptime === undefined || pid === undefined ? undefined : `up ${duration(uptime)}`,
    project === undefined ? undefined : `project ${project}`,
    own ? "of one client alone" : count(clients, "client"),
    clientsCan === undefined || own ? undefined : `which can do ${clientsCan.join(" and ")}`,
    callsInFlight > 0 ? `${count(callsInFlight, "call")} in flight` : undefined,
    callsQueued > 0 ? `${count(callsQueued, "call")} waiting` : undefined,
    restarts > 0 ? `restarted ${count(restarts, "time")}` : undefined,
    rssBytes === undefined ? undefined : bytes(rssBytes),
    cpuSeconds === undefined ? undefined : `${cpuSeconds.toFixed(1)} s of processor time`,
  ].filter((part) => part !== undefined).join(", ");
}

function originOf({ from, why }: ServerReport["sharing"]): string {
  switch (from) {
    case "config":
      return "as configured";
    case "known":
      return `known server: ${why}`;
    default:
      return "default";
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** `120 MB`, `1.5 GB`: decimal units, as in system monitors. */
function bytes(number: number): string {
  return number < 1e9 ? `${Math.round(number / 1e6)} MB` : `${(number / 1e9).toFixed(1)} GB`;
}

function firstLine(text: string): string {
  return text.split("\n")[0];
}
