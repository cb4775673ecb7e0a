/**
 * What the readers of one entry share: its keys, where they stand, the expansion of its texts, and
 * what was found wrong. There are three degrees: a warning is told; a trouble keeps this one server
 * from running; an error refuses the file.
 *
 * @module
 */

import { type Node, nodeAt, type Property, quote } from "./document.ts";
import { DURATION_FORM, parseDuration } from "./duration.ts";
import { expand, expandPath, type Surroundings } from "./expand.ts";
import type { Findings } from "./findings.ts";
import type { EntryInput } from "./schema.ts";
import { placeOf } from "./validate.ts";

/** What entries are read with. */
export interface EntryContext extends Surroundings {
  /** Folder of the configuration file, absolute; relative paths start there. */
  folder: string;
  findings: Findings;
}

/** What a scope is made of. */
export interface EntrySource {
  /** The server's name, mapped. */
  name: string;
  /** The entry in its object. */
  property: Property;
  /** Our keys of the entry, where each stands. */
  own: ReadonlyMap<string, Property>;
  /** The same keys, checked. */
  input: EntryInput;
  context: EntryContext;
}

/** A text of the entry: where it stands, and what it may hold. */
export interface TextOptions {
  /** The path of the text inside the entry, such as `["env", "NAME"]`. */
  place: PropertyKey[];
  /** Whether `${project}` may stand in it. Default false. */
  mayUseProject?: boolean;
  /** Whether a `~` at the head of what is written is the home folder. Default false. */
  isPath?: boolean;
}

/** One entry being read. */
export class EntryScope {
  readonly name: string;
  readonly property: Property;
  readonly own: ReadonlyMap<string, Property>;
  readonly input: EntryInput;
  readonly context: EntryContext;
  readonly #troubles: string[] = [];
  #usesProject = false;
  #failed = false;

  constructor({ name, property, own, input, context }: EntrySource) {
    this.name = name;
    this.property = property;
    this.own = own;
    this.input = input;
    this.context = context;
  }

  /** Why this server cannot run, with places; empty when it can. */
  get troubles(): readonly string[] {
    return this.#troubles;
  }

  /** Whether the file is refused because of this entry. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether a text that may use the project does. */
  get usesProject(): boolean {
    return this.#usesProject;
  }

  /** Where the value of a key stands; the entry's name when it is not there. */
  nodeOf(key: string): Node {
    return this.own.get(key)?.node ?? this.property.key;
  }

  /** Tells something. The sentence has no full stop and shows no value that may be secret. */
  warn(node: Node, sentence: string): void {
    this.context.findings.warn(node, `server ${quote(this.name)}: ${sentence}.`);
  }

  /** Refuses the file. */
  error(node: Node, sentence: string): void {
    this.#failed = true;
    this.context.findings.error(node, `server ${quote(this.name)}: ${sentence}.`);
  }

  /** Keeps this server from running. */
  trouble(node: Node, sentence: string): void {
    const { findings } = this.context;
    this.#troubles.push(`${sentence} (${findings.document.at(node)})`);
    findings.warn(node, `server ${quote(this.name)} cannot run: ${sentence}.`);
  }

  /**
   * A text with its references replaced, those to the project by `PROJECT_MARK`.
   *
   * @returns undefined when something in it could not be resolved; the reason is recorded then.
   */
  text(
    written: string,
    { place, mayUseProject = false, isPath = false }: TextOptions,
  ): string | undefined {
    const [key, ...rest] = place;
    const node = nodeAt(this.nodeOf(String(key)), rest);
    const { text, troubles, project, unknown } = (isPath ? expandPath : expand)(
      written,
      this.context,
    );
    if (unknown) {
      this.warn(
        node,
        `${placeOf(place)} holds a "\${" that begins no reference known here; it is left as it is`,
      );
    }
    for (const trouble of troubles) this.trouble(node, `${placeOf(place)}: ${trouble}`);
    if (project && mayUseProject) {
      this.#usesProject = true;
      return troubles.length > 0 ? undefined : text;
    }
    if (project === "own") {
      this.error(
        node,
        `${placeOf(place)} holds "\${project}", which may stand only in "args", "env" and "cwd"`,
      );
    } else if (project) {
      this.trouble(
        node,
        `${placeOf(place)} depends on the folder of a project, which may stand only in "args", ` +
          '"env" and "cwd"; write the folder itself',
      );
    }
    return troubles.length > 0 || project ? undefined : text;
  }

  /** A duration in milliseconds; undefined when it is not given or not usable, which is recorded. */
  duration(key: "callTimeout" | "startTimeout"): number | undefined;
  /** The same for a key that may say `"never"` or 0. */
  duration(key: "idleTimeout"): number | "never" | undefined;
  duration(key: "callTimeout" | "startTimeout" | "idleTimeout"): number | "never" | undefined {
    const written = this.input[key];
    const value = typeof written === "string" ? this.text(written, { place: [key] }) : written;
    if (value === undefined) return undefined;
    const mayBeNever = key === "idleTimeout";
    if (mayBeNever && (value === 0 || value === "never")) return "never";
    const ms = parseDuration(value);
    if (ms === undefined) {
      const shown = typeof written === "string" ? quote(written) : written;
      const form = mayBeNever ? `${DURATION_FORM}; or "never"` : DURATION_FORM;
      this.error(this.nodeOf(key), `"${key}" is ${shown}: it must be ${form}`);
    }
    return ms;
  }
}
