/**
 * All parts, in the order in which they run.
 *
 * @module
 */

import type { Part } from "../section.ts";
import { FLOOD } from "./flood.ts";
import { THROUGHPUT } from "./throughput.ts";
import { WAYS_IN } from "./ways.ts";

export const PARTS: readonly Part[] = [THROUGHPUT, WAYS_IN, FLOOD];
