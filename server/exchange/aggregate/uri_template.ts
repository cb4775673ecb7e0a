/**
 * Whether an address can come from a URI template. Only that: no variable is read out.
 *
 * Guarantees: linear in the address for a given template, whatever either of them is; both may be
 * anybody's, and a regular expression made of a template can take hours. Errs on the side of "yes": what
 * looks like an expression and is none stands for anything, because the server that is asked then knows
 * its own templates better.
 *
 * Source: RFC 6570, URI Template, sections 2.2 and 3.2.
 *
 * @module
 */

/** One step of a template: text that stands for itself, or any characters but `stops`. */
type Step = { text: string } | { stops: string };

/** Longest address and longest template that are compared, in characters. */
const MAX_URI = 8_192;
const MAX_TEMPLATE = 2_048;
/** Most expressions in a template that is compared. */
const MAX_EXPRESSIONS = 64;

/** Characters that the value of an expression cannot hold, by its operator; "" is for none. */
const STOPS: Readonly<Record<string, string>> = {
  "": "/?#",
  "+": "",
  "#": "",
  ".": "/?#",
  "/": "?#",
  ";": "/?#",
  "?": "#",
  "&": "#",
};

/** Whether `uri` can be an expansion of `template`. */
export function matchesTemplate(template: string, uri: string): boolean {
  if (template.length > MAX_TEMPLATE || uri.length > MAX_URI) return false;
  const steps = stepsOf(template);
  if (steps === undefined) return false;
  // The places in `uri` that can be reached so far, after each step.
  let reached = new Uint8Array(uri.length + 1);
  reached[0] = 1;
  for (const step of steps) {
    const next = new Uint8Array(uri.length + 1);
    if ("text" in step) takeText(step.text, { uri, reached, next });
    else takeAny(step.stops, { uri, reached, next });
    reached = next;
  }
  return reached[uri.length] === 1;
}

interface Places {
  uri: string;
  reached: Uint8Array;
  next: Uint8Array;
}

function takeText(text: string, { uri, reached, next }: Places): void {
  for (let at = reached.indexOf(1); at !== -1; at = reached.indexOf(1, at + 1)) {
    if (uri.startsWith(text, at)) next[at + text.length] = 1;
  }
}

function takeAny(stops: string, { uri, reached, next }: Places): void {
  let open = false;
  for (let at = 0; at <= uri.length; at++) {
    open ||= reached[at] === 1;
    if (open) next[at] = 1;
    if (at < uri.length && stops.includes(uri[at])) open = false;
  }
}

/** @returns undefined when there are too many of them. */
function stepsOf(template: string): Step[] | undefined {
  const steps: Step[] = [];
  let expressions = 0;
  let rest = template;
  while (rest !== "") {
    const open = rest.indexOf("{");
    const close = open === -1 ? -1 : rest.indexOf("}", open);
    if (close === -1) {
      steps.push({ text: rest });
      break;
    }
    if (++expressions > MAX_EXPRESSIONS) return undefined;
    if (open > 0) steps.push({ text: rest.slice(0, open) });
    const operator = rest[open + 1];
    steps.push({ stops: Object.hasOwn(STOPS, operator) ? STOPS[operator] : STOPS[""] });
    rest = rest.slice(close + 1);
  }
  return steps;
}
