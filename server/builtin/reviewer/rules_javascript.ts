/**
 * Rules for JavaScript and TypeScript, as data: what runs, renders or decides on text that is not
 * constant. Rules about settings are in `rules_javascript_settings.ts`.
 *
 * @module
 */

import type { TreeRule } from "./rule.ts";

const javascript = {
  kind: "tree",
  languages: ["typescript", "javascript"],
} as const;

export const JAVASCRIPT_RULES: readonly TreeRule[] = [
  {
    ...javascript,
    id: "js-eval",
    title: "eval of something built at run time",
    severity: "high",
    cwe: "CWE-95",
    owasp: "A03:2021",
    words: ["eval"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a)
        (#match? @f "^((window|globalThis|global|self)\\\\.)?eval$") (#code-value? @a)) @hit`,
    message: "eval runs whatever text it is given as code.",
    remedy: "Use JSON.parse for data, or a table of the functions that may be called.",
    examples: {
      bad: [
        "const value = eval(input);",
        "window.eval(atob(text))",
        'eval("var x = " + text)',
        "const t = `${eval(name)}`;",
        "const a = <p>don't</p>;\neval(x);",
        'let code = "1";\ncode += input;\neval(code);',
      ],
      good: [
        "// eval(input)",
        'const help = "never use eval(input)";',
        "model.eval(input)",
        "eval(`import(${JSON.stringify(url)})`)",
        'const require_ = eval("require");',
        'const code = "1 + 1";\neval(code);',
        "class Node { eval(scope: Scope): Value { return scope; } }",
        "const re = /eval(input)/;",
        "function eval(x) { return x; }",
        "retrieval(x); medieval(x);",
      ],
    },
  },
  {
    ...javascript,
    id: "js-new-function",
    title: "Function built from text",
    severity: "medium",
    cwe: "CWE-95",
    owasp: "A03:2021",
    words: ["Function"],
    query: `
      (new_expression constructor: (_) @f arguments: (arguments (_) @a .)
        (#match? @f "^((window|globalThis|global|self)\\\\.)?Function$") (#code-value? @a)) @hit`,
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
    ...javascript,
    id: "js-timer-text",
    title: "timer that runs text",
    severity: "high",
    cwe: "CWE-95",
    owasp: "A03:2021",
    words: ["setTimeout", "setInterval"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . [(binary_expression) (template_string)] @a)
        (#match? @f "^((window|globalThis|global|self)\\\\.)?set(Timeout|Interval)$") (#built? @a)) @hit`,
    message: "Given a text, a timer runs it as code, like eval.",
    remedy: "Give the timer a function.",
    examples: {
      bad: ["setTimeout(`load(${id})`, 10);", 'window.setInterval("tick(" + n + ")", 1000);'],
      good: ["setTimeout(() => load(id), 10);", "setTimeout(load, a + b);", "setTimeout(a + b);"],
    },
  },
  {
    ...javascript,
    id: "js-vm-code",
    title: "code from a value run by node:vm",
    severity: "medium",
    cwe: "CWE-94",
    owasp: "A03:2021",
    words: ["runInThisContext", "runInNewContext", "runInContext", "vm.Script"],
    query: `
      ([(call_expression function: (_) @f arguments: (arguments . (_) @a))
       (new_expression constructor: (_) @f arguments: (arguments . (_) @a))] @hit
      (#match? @f "^vm\\\\.(runInThisContext|runInNewContext|runInContext|Script)$")
      (#imports? @f "vm") (#code-value? @a))`,
    message: "node:vm runs this text with the rights of the process; it is no sandbox.",
    remedy: "Run code that is not trusted in another process with fewer rights.",
    examples: {
      bad: [
        'import vm from "node:vm";\nvm.runInNewContext(code, {});',
        "const vm = require('vm');\nconst script = new vm.Script(`f(${x})`);",
      ],
      good: [
        'import vm from "node:vm";\nvm.runInThisContext("1 + 1");',
        "vm.runInNewContext(code)",
        'import vm from "node:vm";\nconst script = vm.createContext(box);',
      ],
    },
  },
  {
    ...javascript,
    id: "js-shell-command",
    title: "shell command built from parts",
    severity: "high",
    cwe: "CWE-78",
    owasp: "A03:2021",
    words: ["exec"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a)
        (#match? @f "^((child_process|childProcess|cp)\\\\.)?exec(Sync|Async|Promise)?$")
        (#imports? @f "child_process") (#shell-value? @a)) @hit`,
    message:
      "exec gives this text to a shell, which interprets whatever the inserted parts contain.",
    remedy: "Use execFile or spawn with the arguments as an array and without a shell.",
    examples: {
      bad: [
        'import { exec } from "node:child_process";\nexec(`git log ${branch}`);',
        'const cp = require("child_process");\ncp.execSync("rm -r " + folder);',
        "const { exec } = require('child_process'); exec('tar xf ' + name, done);",
        'import { exec } from "child_process";\nfunction f(x) { const c = `ls ${x}`; exec(c); }',
      ],
      good: [
        'import { exec } from "node:child_process";\nexec("git log");',
        'import { execFile } from "node:child_process";\nexecFile("git", ["log", `${branch}`]);',
        'const cp = require("child_process");\nconst m = /x/.exec(`${text}`);',
        "db.exec(`${statement}`)",
        'import { exec } from "node:child_process";\nexec("one " + "two");',
        'import { exec } from "node:child_process";\nconst c = "ls";\nexec(`${c} -l`);',
        'import { exec } from "child_process";\nexec(`${process.execPath} --version`);',
        'import { exec } from "child_process";\nexec(`ls ${shellEscape(x)}`);',
        'import { exec } from "child_process";\nexec(self.gitCmd + " status");',
      ],
    },
  },
  {
    ...javascript,
    id: "js-spawn-shell",
    title: "spawn through a shell with built text",
    severity: "high",
    cwe: "CWE-78",
    owasp: "A03:2021",
    words: ["spawn", "execFile"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a
          (object (pair key: (_) @k value: (true))))
        (#match? @f "(^|\\\\.)(spawn|spawnSync|execFile|execFileSync)$") (#match? @k "^[\\"']?shell[\\"']?$")
        (#imports? @f "child_process" "cross-spawn") (#shell-value? @a)) @hit`,
    message: "With shell: true this text goes to a shell, which interprets the inserted parts.",
    remedy: "Drop shell: true and give the arguments as an array.",
    examples: {
      bad: [
        'import { spawn } from "node:child_process";\nspawn(`ls ${dir}`, { shell: true });',
        'import cp from "child_process";\ncp.spawnSync("ls " + dir, [], { cwd, shell: true });',
      ],
      good: [
        'import { spawn } from "node:child_process";\nspawn("ls", [dir]);',
        'import { spawn } from "node:child_process";\nspawn("npm run x", { shell: true });',
        'import { spawn } from "node:child_process";\nspawn(`ls ${dir}`, { shell: false });',
      ],
    },
  },
  {
    ...javascript,
    id: "js-sql-text",
    title: "SQL built from values",
    severity: "high",
    cwe: "CWE-89",
    owasp: "A03:2021",
    words: ["SELECT", "select", "INSERT", "insert", "UPDATE", "update", "DELETE", "delete"],
    query: `
      (call_expression function: (member_expression property: (property_identifier) @f)
        arguments: (arguments . (_) @a)
        (#any-of? @f "query" "execute" "exec" "run" "all" "get" "each" "prepare" "raw" "queryRaw"
          "$queryRawUnsafe" "$executeRawUnsafe")
        (#sql? @a)) @hit`,
    message: "A value written into the text of a statement can change what the statement does.",
    remedy: "Use placeholders and give the values apart from the text.",
    examples: {
      bad: [
        "db.query(`SELECT * FROM users WHERE name = '${name}'`)",
        'await pool.query("select * from t where id = " + id);',
        "db.run(`\n  DELETE FROM t\n  WHERE id = ${id}`)",
        "const q = 'SELECT a FROM t WHERE b = ' + req.query.b;\ndb.query(q);",
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
    ...javascript,
    id: "js-mongo-where",
    title: "$where built from values",
    severity: "high",
    cwe: "CWE-943",
    owasp: "A03:2021",
    words: ["$where"],
    query: `
      (pair key: (_) @k value: (_) @v (#match? @k "^[\\"']?\\\\$where[\\"']?$") (#built? @v)) @hit`,
    message: "MongoDB runs $where as JavaScript, inserted values included.",
    remedy: "Compare fields with query operators such as $eq, and give the values as data.",
    examples: {
      bad: ["users.find({ $where: `this.name == '${name}'` })", 'q({ "$where": "a == " + b })'],
      good: ['users.find({ $where: "this.a == this.b" })', "users.find({ name: { $eq: name } })"],
    },
  },
  {
    ...javascript,
    id: "js-inner-html",
    title: "HTML assigned from a value",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["innerHTML", "outerHTML"],
    query: `
      ([(assignment_expression left: (member_expression property: (property_identifier) @p) right: (_) @v)
       (augmented_assignment_expression
         left: (member_expression property: (property_identifier) @p) right: (_) @v)] @hit
      (#any-of? @p "innerHTML" "outerHTML") (#dynamic? @v)
      (#not-has? @v "(?:[sS]anitize|[eE]scape|trustedTypes|createHTML|purify)")
      (#not-match? @v "\\\\.(innerHTML|outerHTML)$"))`,
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
        "const icon = '<svg></svg>';\nbox.innerHTML = icon;",
        "box.innerHTML = null;",
      ],
    },
  },
  {
    ...javascript,
    id: "js-insert-html",
    title: "HTML inserted from a value",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["insertAdjacentHTML", "createContextualFragment"],
    query: `
      (call_expression function: (member_expression property: (property_identifier) @f)
        arguments: (arguments (_) @v .)
        (#any-of? @f "insertAdjacentHTML" "createContextualFragment") (#dynamic? @v)
        (#not-has? @v "(?:[sS]anitize|[eE]scape|trustedTypes|createHTML|purify)")) @hit`,
    message: "This text is parsed as HTML, scripts in it included.",
    remedy: "Use insertAdjacentText or build elements; where HTML is wanted, sanitize it first.",
    examples: {
      bad: [
        'list.insertAdjacentHTML("beforeend", `<li>${item}</li>`);',
        "range.createContextualFragment(html)",
      ],
      good: [
        'list.insertAdjacentHTML("beforeend", "<li></li>");',
        'list.insertAdjacentText("beforeend", item);',
        'list.insertAdjacentHTML("beforeend", DOMPurify.sanitize(item));',
      ],
    },
  },
  {
    ...javascript,
    id: "js-document-write",
    title: "document.write of a value",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["document.write"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a)
        (#match? @f "^((window|globalThis|self)\\\\.)?document\\\\.write(ln)?$") (#dynamic? @a)) @hit`,
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
    ...javascript,
    id: "js-react-html",
    title: "dangerouslySetInnerHTML of a value",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["__html"],
    query: `
      (pair key: (property_identifier) @k value: (_) @v
        (#eq? @k "__html") (#dynamic? @v)
        (#not-has? @v "(?:[sS]anitize|[eE]scape|purify|JSON\\\\.stringify)")) @hit`,
    message: "React inserts this text as HTML, scripts in it included.",
    remedy: "Render it as a child, which React escapes; where HTML is wanted, sanitize it first.",
    examples: {
      bad: [
        "const a = <p dangerouslySetInnerHTML={{ __html: comment }} />;",
        'h("p", { dangerouslySetInnerHTML: { __html: props.text } });',
      ],
      good: [
        "const a = <p>{comment}</p>;",
        'const a = <p dangerouslySetInnerHTML={{ __html: "<b>x</b>" }} />;',
        "const a = <p dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(comment) }} />;",
      ],
    },
  },
  {
    ...javascript,
    id: "js-response-html",
    title: "request value sent back as HTML",
    severity: "high",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["req", "ctx"],
    query: `
      (call_expression function: (member_expression object: (_) @o property: (property_identifier) @f)
        arguments: (arguments . (_) @a)
        (#match? @o "^(res|response)(\\\\.status\\\\([^)]*\\\\))?$") (#any-of? @f "send" "write" "end")
        (#markup? @a) (#from-request? @a)) @hit`,
    message: "What came with the request becomes part of the page, scripts in it included.",
    remedy: "Escape it for HTML, or render with a template engine that does.",
    examples: {
      bad: [
        "app.get('/', (req, res) => { res.send(`<p>Hi ${req.query.name}</p>`); });",
        'res.status(404).send("<h1>No " + req.params.id + "</h1>");',
      ],
      good: [
        "res.send(`<p>Hi ${escapeHtml(req.query.name)}</p>`);",
        "res.send(`<p>${count}</p>`);",
        "res.json({ name: req.query.name });",
      ],
    },
  },
  {
    ...javascript,
    id: "js-open-redirect",
    title: "redirect to an address from the request",
    severity: "medium",
    cwe: "CWE-601",
    owasp: "A01:2021",
    words: ["redirect"],
    query: `
      (call_expression function: (member_expression object: (_) @o property: (property_identifier) @f)
        arguments: (arguments [(member_expression) (subscript_expression) (identifier)] @a .)
        (#any-of? @o "res" "response" "ctx" "reply") (#eq? @f "redirect") (#from-request? @a)) @hit`,
    message: "Whoever writes the link decides where the visitor is sent.",
    remedy: "Redirect to paths of your own, or look the target up in a list.",
    examples: {
      bad: ["res.redirect(req.query.next);", "const to = req.query.to;\nres.redirect(302, to);"],
      good: [
        'res.redirect("/home");',
        "res.redirect(`/users/${req.params.id}`);",
        "res.redirect(url);",
      ],
    },
  },
  {
    ...javascript,
    id: "js-path-from-request",
    title: "file named by the request",
    severity: "high",
    cwe: "CWE-22",
    owasp: "A01:2021",
    words: ["req", "ctx"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a)
        (#match? @f "(^|\\\\.)(readFile|readFileSync|createReadStream|writeFile|writeFileSync|createWriteStream|unlink|unlinkSync|rm|rmSync|readdir|readdirSync|sendFile)$")
        (#from-request? @a)) @hit`,
    message: "With .. or an absolute path in it, the request reaches any file of this process.",
    remedy: "Resolve the path, then check that it is still inside the folder it belongs in.",
    examples: {
      bad: [
        "fs.readFile(req.query.file, done);",
        "fs.readFileSync(`./data/${req.params.name}`);",
        "fs.createReadStream(path.join(root, req.params.name)).pipe(res);",
      ],
      good: [
        'fs.readFile("./a.txt", done);',
        "fs.readFileSync(path.join(root, path.basename(req.params.name)));",
        "fs.readFile(file, done);",
      ],
    },
  },
  {
    ...javascript,
    id: "js-request-forgery",
    title: "request to an address from the request",
    severity: "high",
    cwe: "CWE-918",
    owasp: "A10:2021",
    words: ["req", "ctx"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (_) @a)
        (#match? @f "^(fetch|axios|got|request|needle|superagent\\\\.get|(axios|got|http|https|request|needle)\\\\.(get|post|put|request|head))$")
        (#from-request? @a) (#not-has? @a "^[\`\\"']https?://[^$\\"'\`/]+/")) @hit`,
    message: "Whoever sends the request decides which server, an internal one too, is asked.",
    remedy: "Ask only servers from a list, and never take the host from a request.",
    examples: {
      bad: ["fetch(req.query.url)", "const url = req.body.url;\nawait axios.get(url);"],
      good: [
        'fetch("https://api.io/x")',
        "fetch(`https://api.io/users/${req.params.id}`)",
        "fetch(url)",
      ],
    },
  },
  {
    ...javascript,
    id: "js-regexp-from-request",
    title: "regular expression from the request",
    severity: "medium",
    cwe: "CWE-1333",
    owasp: "A03:2021",
    words: ["RegExp"],
    query: `
      ([(new_expression constructor: (_) @f arguments: (arguments . (_) @a))
       (call_expression function: (_) @f arguments: (arguments . (_) @a))] @hit
      (#eq? @f "RegExp") (#from-request? @a))`,
    message: "A pattern can be written so that one match takes for ever.",
    remedy: "Search for the text itself, or escape it before it becomes a pattern.",
    examples: {
      bad: ["new RegExp(req.query.q)", "const q = RegExp(`^${req.body.name}`, 'i');"],
      good: ["new RegExp(pattern)", "new RegExp(escape(req.query.q))", 'new RegExp("a+")'],
    },
  },
  {
    ...javascript,
    id: "js-unserialize",
    title: "deserialization that can run code",
    severity: "high",
    cwe: "CWE-502",
    owasp: "A08:2021",
    words: ["unserialize", "deserialize"],
    query: `
      (call_expression function: (member_expression property: (property_identifier) @f)
        arguments: (arguments . (_) @a)
        (#any-of? @f "unserialize" "deserialize")
        (#imports? @f "node-serialize" "serialize-to-js" "funcster" "cryo") (#dynamic? @a)) @hit`,
    message: "These packages bring functions back from text, and so run what the text says.",
    remedy: "Use JSON.parse, and build objects from its data yourself.",
    examples: {
      bad: [
        "const s = require('node-serialize');\ns.unserialize(cookie);",
        'import cryo from "cryo";\nconst x = cryo.deserialize(text);',
      ],
      good: ["JSON.parse(text)", 'import v8 from "v8";\nv8.deserialize(buffer);'],
    },
  },
];
