/**
 * Rules for JavaScript and TypeScript, as data.
 *
 * @module
 */

import { ARGUMENTS, JS_BUILT, JS_STATIC, S, SQL } from "./patterns.ts";
import type { Rule } from "./rule.ts";

const languages = ["typescript", "javascript"] as const;

/** A substitution in SQL that is not a list of placeholders, a constant or the name of a table. */
const SQL_VALUE = String
  .raw`\$\{(?!${S}(?:[\w$.]{0,60}[pP]laceholders?|[A-Z][A-Z0-9_]{0,60}|[\w$.]{0,60}[tT]able(?:[nN]ame)?)${S}\})`;

export const JAVASCRIPT_RULES: readonly Rule[] = [
  {
    id: "js-eval",
    title: "eval of something built at run time",
    severity: "high",
    languages,
    cwe: "CWE-95",
    view: "code",
    pattern: new RegExp(
      String
        .raw`(?:(?<![\w$.#])(?<!\bfunction\s{1,10})|(?<![\w$.])(?:window|globalThis|global|self)\.)eval${S}\(` +
        // Not a static string, not empty, and not the declaration of a method named so.
        String.raw`(?!${S}\)|${S}${JS_STATIC}|[^()]{0,200}\)${S}(?::[^;{}()]{1,100})?\{)`,
    ),
    message: "eval runs whatever text it is given as code.",
    remedy: "Use JSON.parse for data, or a table of the functions that may be called.",
    examples: {
      bad: [
        "const value = eval(input);",
        "window.eval(atob(text))",
        'eval("var x = " + text)',
        "const t = `${eval(name)}`;",
        "const a = <p>don't</p>;\neval(x);",
      ],
      good: [
        "// eval(input)",
        'const help = "never use eval(input)";',
        "model.eval(input)",
        'const require_ = eval("require");',
        "class Node { eval(scope: Scope): Value { return scope; } }",
        "const re = /eval(input)/;",
        "function eval(x) { return x; }",
        "retrieval(x); medieval(x);",
      ],
    },
  },
  {
    id: "js-new-function",
    title: "Function built from text",
    severity: "high",
    languages,
    cwe: "CWE-95",
    view: "code",
    pattern: new RegExp(
      String.raw`(?<![\w$.])new\s{1,20}(?:(?:window|globalThis|global|self)\.)?Function${S}\(` +
        String.raw`(?!${S}(?:(["'\x60])\s{0,5000}\1${S},?${S}){0,20}\))`,
    ),
    message: "new Function turns text into code, like eval.",
    remedy: "Write the function in the source, or interpret the data without making code of it.",
    examples: {
      bad: [
        "const f = new Function('a', body);",
        "new Function(`return ${expression}`)()",
        'return new Function("return " + text);',
      ],
      good: [
        'const root = new Function("return this")();',
        "/* new Function(body) */",
        "const x = new FunctionNode(body);",
        "type F = Function;",
      ],
    },
  },
  {
    id: "js-shell-command",
    title: "shell command built from parts",
    severity: "high",
    languages,
    cwe: "CWE-78",
    view: "text",
    pattern: new RegExp(
      String
        .raw`(?:(?<![\w$.])|(?<![\w$.])(?:child_process|childProcess|cp)\.)exec(?:Sync|Async|Promise)?${S}\(${S}${JS_BUILT}`,
    ),
    context: /child_process/,
    message:
      "exec gives this text to a shell, which interprets whatever the inserted parts contain.",
    remedy: "Use execFile or spawn with the arguments as an array and without a shell.",
    examples: {
      bad: [
        'import { exec } from "node:child_process";\nexec(`git log ${branch}`);',
        'const cp = require("child_process");\ncp.execSync("rm -r " + folder);',
        "const { exec } = require('child_process'); exec('tar xf ' + name, done);",
      ],
      good: [
        'import { exec } from "node:child_process";\nexec("git log");',
        'import { execFile } from "node:child_process";\nexecFile("git", ["log", `${branch}`]);',
        'const cp = require("child_process");\nconst m = /x/.exec(`${text}`);',
        "db.exec(`${statement}`)",
        'import { exec } from "node:child_process";\nexec("one " + "two");',
      ],
    },
  },
  {
    id: "js-inner-html",
    title: "HTML assigned from a value",
    severity: "medium",
    languages,
    cwe: "CWE-79",
    view: "code",
    pattern: new RegExp(
      String
        .raw`\.(?:innerHTML|outerHTML)${S}\+?=(?![=>])(?!${S}${JS_STATIC}|${S}(?:DOMPurify\.sanitize|trustedTypes\b|null\b|undefined\b)` +
        // Not what already is the HTML of another element.
        String.raw`|${S}[\w$.()[\]"' ]{0,200}\.innerHTML${S}(?:[;,)}\n]|$))`,
    ),
    message: "Text assigned to innerHTML or outerHTML is parsed as HTML, scripts in it included.",
    remedy: "Use textContent, or build elements; where HTML is wanted, sanitize it first.",
    examples: {
      bad: [
        "box.innerHTML = name;",
        'box.innerHTML = "<b>" + name + "</b>";',
        "el.innerHTML += `<li>${item}</li>`;",
        "node.outerHTML = render(data);",
      ],
      good: [
        'box.innerHTML = "";',
        "box.innerHTML = `<b>bold</b>`;",
        "if (box.innerHTML === name) {}",
        "const html = box.innerHTML;",
        "box.innerHTML = document.getElementById('other').innerHTML;",
        "box.innerHTML = DOMPurify.sanitize(name);",
      ],
    },
  },
  {
    id: "js-document-write",
    title: "document.write of a value",
    severity: "medium",
    languages,
    cwe: "CWE-79",
    view: "code",
    pattern: new RegExp(
      String
        .raw`(?<![\w$.])(?:(?:window|globalThis|self)\.)?document\.write(?:ln)?${S}\((?!${S}\)|${S}${JS_STATIC})`,
    ),
    message: "document.write parses its argument as HTML, scripts in it included.",
    remedy: "Create elements and set their textContent.",
    examples: {
      bad: [
        "document.write(location.hash);",
        'window.document.writeln("<p>" + name);',
        "document.write(`<script src=${url}>`)",
      ],
      good: ['document.write("<p>static</p>");', "// document.write(x)", "docs.document.write(x)"],
    },
  },
  {
    id: "js-tls-verify-off",
    title: "TLS certificates not checked",
    severity: "high",
    languages,
    cwe: "CWE-295",
    view: "text",
    pattern: new RegExp(
      String.raw`(?<![\w$])(["']?)rejectUnauthorized\1${S}[:=]${S}false\b` +
        String.raw`|(?<![\w$])NODE_TLS_REJECT_UNAUTHORIZED${S}=${S}["'\x60]?0` +
        String.raw`|\[${S}["'\x60]NODE_TLS_REJECT_UNAUTHORIZED["'\x60]${S}\]${S}=${S}["'\x60]?0`,
    ),
    message: "With verification off, anyone on the way can read and change this connection.",
    remedy: "Leave verification on; give a private authority's certificate in the option ca.",
    examples: {
      bad: [
        "const agent = new https.Agent({ rejectUnauthorized: false });",
        'tls.connect({ "rejectUnauthorized": false })',
        'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";',
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0;",
      ],
      good: [
        "new https.Agent({ rejectUnauthorized: true })",
        "// rejectUnauthorized: false",
        'log("do not set rejectUnauthorized: false");',
        "log('rejectUnauthorized: false')",
        "const rejectUnauthorized = isLocal;",
      ],
    },
  },
  {
    id: "js-weak-hash",
    title: "MD5 or SHA-1",
    severity: "medium",
    languages,
    cwe: "CWE-328",
    view: "text",
    pattern: new RegExp(
      String.raw`(?<![\w$])createHash${S}\(${S}(["'\x60])(?i:md4|md5|sha1|sha-1)\1` +
        String.raw`|(?<![\w$])subtle\.digest${S}\(${S}(["'\x60])(?i:sha-1)\2`,
    ),
    message: "MD5 and SHA-1 are broken: two texts with the same hash can be made on purpose.",
    remedy: "Use SHA-256 or better; for passwords, scrypt or argon2.",
    examples: {
      bad: [
        'crypto.createHash("md5").update(text)',
        "createHash('SHA1')",
        'await crypto.subtle.digest("SHA-1", bytes)',
      ],
      good: [
        'crypto.createHash("sha256")',
        '// createHash("md5")',
        "const help = 'createHash(\"md5\")';",
        'await crypto.subtle.digest("SHA-256", bytes)',
      ],
    },
  },
  {
    id: "js-sql-text",
    title: "SQL built from values",
    severity: "high",
    languages,
    cwe: "CWE-89",
    view: "text",
    pattern: new RegExp(
      String
        .raw`\.(?:query|execute|exec|run|all|get|each|prepare|raw|\$queryRawUnsafe|\$executeRawUnsafe)${S}\(${S}` +
        String.raw`(?:\x60${SQL}(?:[^\x60\\]|\\[\s\S]){0,3000}?${SQL_VALUE}` +
        String.raw`|"${SQL}(?:[^"\\\n]|\\.){0,2000}"${S}\+(?!${S}["'\x60])` +
        String.raw`|'${SQL}(?:[^'\\\n]|\\.){0,2000}'${S}\+(?!${S}["'\x60]))`,
    ),
    message: "A value written into the text of a statement can change what the statement does.",
    remedy: "Use placeholders and give the values apart from the text.",
    examples: {
      bad: [
        "db.query(`SELECT * FROM users WHERE name = '${name}'`)",
        'await pool.query("select * from t where id = " + id);',
        "db.run(`\n  DELETE FROM t\n  WHERE id = ${id}`)",
      ],
      good: [
        'db.query("SELECT * FROM users WHERE name = ?", [name])',
        "db.query(`SELECT * FROM t WHERE id IN (${placeholders})`, ids)",
        "db.query(`SELECT * FROM ${TABLE}`)",
        "db.query(`SELECT 1`)",
        "sql`SELECT * FROM t WHERE id = ${id}`",
        "// db.query(`SELECT ${x}`)",
        'dialog.get("Select a file: " + name)',
        'log.run("Update " + name + " is there")',
      ],
    },
  },
  {
    id: "js-spawn-shell",
    title: "spawn through a shell with built text",
    severity: "high",
    languages,
    cwe: "CWE-78",
    view: "code",
    pattern: new RegExp(
      String
        .raw`(?<![\w$])(?:spawn|spawnSync|execFile|execFileSync)${S}\(${S}\x60(?=[^\x60]{0,500}\$\{)${ARGUMENTS}\bshell${S}:${S}true\b`,
    ),
    context: /child_process/,
    message: "With shell: true this text goes to a shell, which interprets the inserted parts.",
    remedy: "Drop shell: true and give the arguments as an array.",
    examples: {
      bad: [
        'import { spawn } from "node:child_process";\nspawn(`ls ${dir}`, { shell: true });',
      ],
      good: [
        'import { spawn } from "node:child_process";\nspawn("ls", [dir]);',
        'import { spawn } from "node:child_process";\nspawn("npm run x", { shell: true });',
      ],
    },
  },
];
