/**
 * Who is compared. Each is started here as its own process, and ended when the bench is over.
 *
 * @module
 */

import type { Task } from "../../scripts/lib/task.ts";
import type { Target } from "../target.ts";
import { AICHAKU, BARE, DIRECT, FORWARDER } from "./own.ts";
import { MCP_HUB, MCP_PROXY, MCPORTER, SUPERGATEWAY } from "./peers.ts";

/** The programs in C, compiled. */
export interface Programs {
  echo: string;
  client: string;
}

/** A program that can be started. */
export interface Contender {
  name: string;
  /** For the reader of the results. */
  about: string;
  start(task: Task, programs: Programs): Promise<Target>;
}

/** All of them, in the order in which they take their turns. */
export const CONTENDERS: readonly Contender[] = [
  BARE,
  FORWARDER,
  AICHAKU,
  SUPERGATEWAY,
  MCP_PROXY,
  MCP_HUB,
  MCPORTER,
  DIRECT,
];
