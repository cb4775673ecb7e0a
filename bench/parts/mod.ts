/**
 * All parts, in the order in which they run.
 *
 * @module
 */

import type { Part } from "../section.ts";
import { REAL_SERVER } from "./everything.ts";
import { FLOOD } from "./flood.ts";
import { HEADLINE } from "./headline.ts";
import { MEMORY } from "./memory.ts";
import { SCALE } from "./scale.ts";
import { STARTUP } from "./startup.ts";
import { THROUGHPUT } from "./throughput.ts";
import { WAYS_IN } from "./ways.ts";

export const PARTS: readonly Part[] = [
  THROUGHPUT,
  WAYS_IN,
  SCALE,
  REAL_SERVER,
  FLOOD,
  MEMORY,
  STARTUP,
  HEADLINE,
];
