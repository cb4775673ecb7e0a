/**
 * Which parts to run, and who takes part.
 *
 * @module
 */

import { TaskProblem } from "../scripts/lib/task.ts";
import type { Part } from "./section.ts";

/** Parts in their order, each with those of its contenders who were asked for. */
export type Choice = readonly { part: Part; wants(contender: string): boolean }[];

/**
 * @param wanted Each a part, a contender, or `PART/CONTENDER`. None means all, of a quick run only what
 * belongs to it.
 * @throws {TaskProblem} for a name that is none.
 */
export function choose(
  parts: readonly Part[],
  { wanted, quick }: { wanted: readonly string[]; quick: boolean },
): Choice {
  for (const name of wanted) {
    if (parts.some((part) => namesPart(name, part) || namesOneOf(name, part))) continue;
    const known = parts.map(({ name, contenders }) =>
      contenders.length === 0 ? name : `${name}[/${contenders.join("|")}]`
    );
    throw new TaskProblem(`Nothing is called ${name}; there are:\n  ${known.join("\n  ")}`);
  }
  return parts.flatMap((part) => {
    if (wanted.length === 0) {
      const left = quick ? part.notInQuick ?? [] : [];
      const wants = (contender: string) => !left.includes(contender);
      return quick && !part.inQuick ? [] : [{ part, wants }];
    }
    // Who names one of a part means that one, even when the part is named as well.
    const whole = wanted.includes(part.name) &&
      !wanted.some((name) => name.startsWith(`${part.name}/`));
    if (!wanted.includes(part.name) && !wanted.some((name) => namesOneOf(name, part))) return [];
    const wants = (contender: string) =>
      whole || wanted.includes(contender) || wanted.includes(`${part.name}/${contender}`);
    return [{ part, wants }];
  });
}

function namesPart(name: string, part: Part): boolean {
  return name === part.name;
}

function namesOneOf(name: string, part: Part): boolean {
  return part.contenders.some((each) => name === each || name === `${part.name}/${each}`);
}
