/**
 * References in the texts of an entry: `${VAR}`, `${VAR:-default}`, `${project}`, and the forms that
 * editors write (`${env:VAR}`, `${workspaceFolder}`, `${input:ID}`, `${userHome}` …).
 *
 * One pass from left to right: what comes out of a variable is never read again, so a value may hold
 * `${…}` without meaning anything. A `$` that begins no known reference is just a `$`. What cannot be
 * resolved is reported by name; no value is ever part of a report. Of a text without troubles, every
 * NUL character belongs to a `PROJECT_MARK` that stands for the project.
 *
 * @module
 */

import { SEPARATOR } from "@std/path";
import { quote } from "./document.ts";
import { PROJECT_MARK } from "./project.ts";

/** What references are resolved from. */
export interface Surroundings {
  /** The variables of the user's environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  home: string;
}

/** What came of one text. */
export interface Expansion {
  /** The text with every resolvable reference replaced, the project by `PROJECT_MARK`. */
  text: string;
  /** References that cannot be resolved, a sentence each: what is wrong and what to do. */
  troubles: string[];
  /** How the text asks for a project: in our own spelling, in an editor's, or not at all. */
  project: "own" | "foreign" | undefined;
  /** Whether a `${…}` stood there that is no reference known here and was left as it is. */
  unknown: boolean;
}

const VARIABLE = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** What other clients write for the folder of the project. */
const PROJECT_ELSEWHERE = /^(?:workspaceFolder|workspaceRoot|workspaceFolder:.*)$/s;

/** Set by Claude Code for the servers it starts: the project of whoever happened to start the daemon. */
const PROJECT_VARIABLE = "CLAUDE_PROJECT_DIR";

/** Variables that say where a process was started; an entry must not depend on where the daemon was. */
const START_FOLDER: ReadonlySet<string> = new Set(["PWD", "OLDPWD", "INIT_CWD", "cwd"]);

/** Predefined variables of VS Code and its relatives that only the editor can fill in. */
const EDITOR_ONLY =
  /^(?:workspaceFolderBasename|file|fileBasename|fileBasenameNoExtension|fileDirname|fileDirnameBasename|fileExtname|fileWorkspaceFolder|relativeFile|relativeFileDirname|lineNumber|columnNumber|selectedText|execPath|defaultBuildTask|extensionInstallFolder|(?:config|command):.*)$/s;

/** Replaces the references of one text. */
export function expand(text: string, { env, home }: Surroundings): Expansion {
  const result: Expansion = { text: "", troubles: [], project: undefined, unknown: false };
  if (text.includes("\0")) trouble("it holds a NUL character; remove it");
  let position = 0;
  for (let start = text.indexOf("${"); start >= 0; start = text.indexOf("${", position)) {
    result.text += text.slice(position, start);
    const end = text.indexOf("}", start);
    const body = end < 0 ? undefined : text.slice(start + 2, end);
    const value = body === undefined ? undefined : resolve(body);
    if (value === undefined) {
      result.unknown = true;
      result.text += "${";
      position = start + 2;
    } else {
      result.text += value;
      position = end + 1;
    }
  }
  result.text += text.slice(position);
  return result;

  /** What stands for `${body}`; undefined when it is no reference. */
  function resolve(body: string): string | undefined {
    if (body === "userHome") return home;
    if (body === "pathSeparator" || body === "/") return SEPARATOR;
    if (body === "project") {
      result.project ??= "own";
      return PROJECT_MARK;
    }
    if (PROJECT_ELSEWHERE.test(body)) {
      result.project ??= "foreign";
      return PROJECT_MARK;
    }
    if (body.startsWith("input:")) {
      return trouble(
        `\${${shown(body)}} is a question that an editor asks, and there is nobody to ask here; ` +
          "put the value into an environment variable and write ${VARIABLE} instead",
      );
    }
    if (EDITOR_ONLY.test(body)) {
      return trouble(
        `\${${shown(body)}} is known only to the editor it was written for; write the value itself`,
      );
    }
    const [, name, fallback] = VARIABLE.exec(body) ?? [];
    if (name === undefined) return undefined;
    if (fallback?.includes("{")) {
      return trouble(
        `the default of \${${name}:-…} holds a brace, and references do not nest; ` +
          `set ${name} in the environment instead`,
      );
    }
    if (name === PROJECT_VARIABLE) {
      result.project ??= "foreign";
      return PROJECT_MARK;
    }
    if (START_FOLDER.has(name)) {
      return trouble(
        `\${${name}} would be the folder that the daemon happened to be started in; ` +
          "write the folder itself",
      );
    }
    // hasOwn: a variable named `constructor` must not be found on the prototype.
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value?.includes("\0")) {
      return trouble(`the environment variable ${name} holds a NUL character; remove it`);
    }
    // As in a shell, `:-` also replaces an empty value.
    if (fallback !== undefined) return value || fallback;
    if (value !== undefined) return value;
    return trouble(
      `the environment variable ${name} is not set; ` +
        `set it before the daemon starts, or write \${${name}:-default}`,
    );
  }

  function trouble(sentence: string): string {
    result.troubles.push(sentence);
    return "";
  }
}

/** The same for a text that is a path: a `~` at the head of what is written is the home folder. */
export function expandPath(text: string, surroundings: Surroundings): Expansion {
  if (!/^~(?=$|[/\\])/.test(text)) return expand(text, surroundings);
  const rest = expand(text.slice(1), surroundings);
  return { ...rest, text: surroundings.home + rest.text };
}

/** The inside of a reference for a message: one line, and not endless. */
function shown(body: string): string {
  return quote(body).slice(1, -1);
}
