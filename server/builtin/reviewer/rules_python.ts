/**
 * Rules for Python, as data.
 *
 * @module
 */

import { ARGUMENTS, PY_STATIC, pythonBuilt, S, SQL } from "./patterns.ts";
import type { Rule } from "./rule.ts";

const languages = ["python"] as const;

/** A field in SQL that is not a list of placeholders or a constant. */
const SQL_FIELD = String
  .raw`(?!${S}(?:\w{0,40}placeholders?|[A-Z][A-Z0-9_]{0,60}|[\w.]{0,60}table(?:_?name)?)${S}\}|[^{}]{0,80}["'](?:\?|%s)["'])`;

export const PYTHON_RULES: readonly Rule[] = [
  {
    id: "py-eval",
    title: "eval of something built at run time",
    severity: "high",
    languages,
    cwe: "CWE-95",
    view: "code",
    pattern: new RegExp(
      String.raw`(?<![\w.])(?<!\bdef\s{1,10})eval${S}\((?!${S}\)|${S}${PY_STATIC})`,
    ),
    message: "eval runs whatever expression it is given.",
    remedy: "Use ast.literal_eval or json.loads for data.",
    examples: {
      bad: [
        "value = eval(text)",
        "value = eval('x + ' + text)",
        'print(f"{eval(name)}")',
        "x = 'it''s' ; eval(y)",
      ],
      good: [
        "# eval(text)",
        '"""eval(text)"""',
        "model.eval()",
        "value = ast.literal_eval(text)",
        "df.eval(expression)",
        "def eval(self, text): pass",
        'eval("1 + 1")',
        'message = f"eval({name})"',
      ],
    },
  },
  {
    id: "py-exec",
    title: "exec of something built at run time",
    severity: "medium",
    languages,
    cwe: "CWE-95",
    view: "code",
    pattern: new RegExp(
      String.raw`(?<![\w.])(?<!\bdef\s{1,10})exec${S}\((?!${S}\)|${S}${PY_STATIC})`,
    ),
    message: "exec runs whatever statements it is given.",
    remedy: "Import a module, or call functions from a table, instead of running text.",
    examples: {
      bad: ["exec(code)", "exec(open(path).read(), scope)"],
      good: [
        "exec('x = 1', scope)",
        "# exec(code)",
        "cursor.exec(code)",
        'exec("x = 1")',
        "def exec(code): pass",
      ],
    },
  },
  {
    id: "py-shell-true",
    title: "subprocess through a shell",
    severity: "high",
    languages,
    cwe: "CWE-78",
    view: "code",
    pattern: new RegExp(
      String
        .raw`(?<!\w)(?:subprocess\.\w{1,30}|Popen|check_output|check_call)${S}\((?!${S}${PY_STATIC})${ARGUMENTS}(?<=[(,]${S})shell${S}=${S}True\b`,
    ),
    message: "With shell=True the command is interpreted by a shell, inserted parts included.",
    remedy: "Give the command as a list of arguments and leave shell=True out.",
    examples: {
      bad: [
        "subprocess.run(command, shell=True)",
        "subprocess.Popen(\n    f'ls {folder}',\n    shell=True,\n)",
        "subprocess.check_output(make(a, (b)), shell = True)",
      ],
      good: [
        "subprocess.run(['ls', folder])",
        "subprocess.run('ls | wc -l', shell=True)",
        "subprocess.run(command, shell=False)",
        "# subprocess.run(command, shell=True)",
        "subprocess.run(command)\nother(shell=True)",
      ],
    },
  },
  {
    id: "py-os-system",
    title: "shell command built from parts",
    severity: "high",
    languages,
    cwe: "CWE-78",
    view: "text",
    pattern: new RegExp(
      String
        .raw`(?<![\w.])(?:os\.(?:system|popen)|subprocess\.(?:getoutput|getstatusoutput))${S}\(${S}${pythonBuilt()}`,
    ),
    message: "This text goes to a shell, which interprets whatever the inserted parts contain.",
    remedy: "Use subprocess.run with a list of arguments.",
    examples: {
      bad: [
        'os.system(f"rm -r {folder}")',
        "os.system('rm -r ' + folder)",
        'os.popen("ls %s" % folder)',
        'subprocess.getoutput("ls {}".format(folder))',
      ],
      good: [
        'os.system("clear")',
        '# os.system(f"rm {x}")',
        "print(\"os.system(f'{x}')\")",
        'os.system(f"echo {{}}")',
      ],
    },
  },
  {
    id: "py-pickle",
    title: "unpickling",
    severity: "medium",
    languages,
    cwe: "CWE-502",
    view: "code",
    pattern: new RegExp(
      String.raw`(?<![\w.])(?:pickle|cPickle|_pickle|dill|cloudpickle)\.(?:loads?|Unpickler)${S}\(`,
    ),
    message: "Loading a pickle runs code that the pickle chooses.",
    remedy: "Use json for data that comes from elsewhere, or verify a signature before loading.",
    examples: {
      bad: ["pickle.loads(body)", "data = pickle.load(file)", "dill.loads(x)"],
      good: ["pickle.dumps(x)", "# pickle.loads(body)", "json.loads(body)", "my.pickle.loads(x)"],
    },
  },
  {
    id: "py-yaml-load",
    title: "yaml.load without a safe loader",
    severity: "high",
    languages,
    cwe: "CWE-502",
    view: "code",
    pattern: new RegExp(
      String
        .raw`(?<![\w.])yaml\.load(?:_all)?${S}\((?!${ARGUMENTS}\b(?:C?SafeLoader|C?BaseLoader)\b)`,
    ),
    // ruamel.yaml's YAML().load is another function, and safe.
    context: /^[ \t]{0,40}import\s[^\n]{0,200}\byaml\b/m,
    unless: /\bruamel\b/,
    message: "yaml.load can build any Python object, and so run code that the file chooses.",
    remedy: "Use yaml.safe_load.",
    examples: {
      bad: [
        "import yaml\nyaml.load(text)",
        "import os, yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import os, yaml\nyaml.load(read(a, (b)))\nother(SafeLoader)",
        "import os, yaml\nyaml.load_all(text, Loader=yaml.FullLoader)",
      ],
      good: [
        "yaml.safe_load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "import yaml\nyaml.load(\n  open(p).read(),\n  Loader=CSafeLoader)",
        "from tools import yaml\nyaml.load(text)",
        "import ruamel.yaml\nyaml = YAML()\nyaml.load(text)",
        "import yaml\n# yaml.load(text)",
      ],
    },
  },
  {
    id: "py-tls-verify-off",
    title: "TLS certificates not checked",
    severity: "high",
    languages,
    cwe: "CWE-295",
    view: "code",
    pattern: new RegExp(
      String.raw`(?<=[(,]${S})verify${S}=${S}False\b` +
        String.raw`|(?<!\w)ssl\._create_unverified_context\b` +
        String.raw`|\.check_hostname${S}=${S}False\b` +
        String.raw`|(?<!\w)(?:verify_mode|cert_reqs)${S}=${S}(?:ssl\.)?CERT_NONE\b`,
    ),
    context: /\b(?:requests|httpx|urllib3|urllib|aiohttp|ssl)\b/,
    message: "With verification off, anyone on the way can read and change this connection.",
    remedy: "Leave verification on; give a private authority's certificate as verify=PATH.",
    examples: {
      bad: [
        "import requests\nrequests.get(url, verify=False)",
        "import httpx\nhttpx.Client(\n    verify=False,\n)",
        "ctx = ssl._create_unverified_context()",
        "import ssl\nctx.verify_mode = ssl.CERT_NONE",
        "import ssl\nctx.check_hostname = False",
      ],
      good: [
        "import requests\nrequests.get(url, verify=True)",
        "import requests\n# requests.get(url, verify=False)",
        "form.validate(verify=False)",
        "import requests\nlog('verify=False')",
      ],
    },
  },
  {
    id: "py-weak-hash",
    title: "MD5 or SHA-1",
    severity: "medium",
    languages,
    cwe: "CWE-328",
    view: "text",
    pattern: new RegExp(
      String
        .raw`(?<![\w.])hashlib\.(?:(?:md5|sha1)${S}\(|new${S}\(${S}(["'])(?i:md4|md5|sha1|sha-1)\1)` +
        String.raw`(?![^)]{0,300}\busedforsecurity${S}=${S}False\b)`,
    ),
    message: "MD5 and SHA-1 are broken: two texts with the same hash can be made on purpose.",
    remedy: "Use hashlib.sha256 or better; where it guards nothing, say usedforsecurity=False.",
    examples: {
      bad: ["hashlib.md5(text)", "hashlib.sha1()", "hashlib.new('md5', text)"],
      good: [
        "hashlib.sha256(text)",
        "hashlib.md5(text, usedforsecurity=False)",
        "hashlib.new('md5', usedforsecurity=False)",
        "# hashlib.md5(text)",
        "'hashlib.md5(text)'",
      ],
    },
  },
  {
    id: "py-flask-debug",
    title: "debugger of Flask switched on",
    severity: "high",
    languages,
    cwe: "CWE-489",
    view: "code",
    pattern: new RegExp(String.raw`\.run${S}\(${ARGUMENTS}(?<=[(,]${S})debug${S}=${S}True\b`),
    context: /\bflask\b/i,
    message: "Flask's debugger lets whoever reaches it run code on this machine.",
    remedy: "Take debug from the environment of the developer's machine: flask --debug run.",
    examples: {
      bad: [
        "from flask import Flask\napp.run(debug=True)",
        "from flask import Flask\napp.run(host=get(), port=1, debug=True)",
      ],
      good: [
        "from flask import Flask\napp.run()",
        "from flask import Flask\napp.run(debug=False)",
        "import asyncio\nasyncio.run(main(), debug=True)",
        "from flask import Flask\napp.run()\nother(debug=True)",
      ],
    },
  },
  {
    id: "py-sql-text",
    title: "SQL built from values",
    severity: "high",
    languages,
    cwe: "CWE-89",
    view: "text",
    pattern: new RegExp(
      String
        .raw`\.(?:execute|executemany|executescript|read_sql|read_sql_query)${S}\(${S}(?:(?:\w{1,20}\.)?text${S}\(${S})?` +
        pythonBuilt(SQL, SQL_FIELD),
    ),
    message: "A value written into the text of a statement can change what the statement does.",
    remedy: "Use placeholders and give the values as the second argument.",
    examples: {
      bad: [
        "cursor.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
        'cursor.execute("SELECT * FROM t WHERE id = %s" % id)',
        'cursor.execute("DELETE FROM t WHERE id = " + id)',
        'cursor.execute("""\n    UPDATE t SET a = {}\n""".format(a))',
        'session.execute(text(f"select {column} from t"))',
      ],
      good: [
        'cursor.execute("SELECT * FROM t WHERE id = %s", (id,))',
        'cursor.execute("SELECT 1")',
        'cursor.execute(f"SELECT * FROM t WHERE id IN ({placeholders})", ids)',
        "cursor.execute(f\"SELECT * FROM t WHERE id IN ({','.join(['?'] * n)})\", ids)",
        'cursor.execute(f"SELECT * FROM {TABLE}")',
        '# cursor.execute(f"SELECT {x}")',
      ],
    },
  },
  {
    id: "py-mktemp",
    title: "tempfile.mktemp",
    severity: "medium",
    languages,
    cwe: "CWE-377",
    view: "code",
    pattern: new RegExp(String.raw`(?<![\w.])tempfile\.mktemp${S}\(`),
    message: "Between naming the file and opening it, someone else can put their own there.",
    remedy: "Use tempfile.NamedTemporaryFile or tempfile.mkstemp.",
    examples: {
      bad: ["path = tempfile.mktemp()", "tempfile.mktemp(suffix='.x')"],
      good: ["tempfile.mkstemp()", "tempfile.mkdtemp()", "# tempfile.mktemp()"],
    },
  },
];
