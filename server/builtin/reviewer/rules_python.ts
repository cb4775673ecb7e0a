/**
 * Rules for Python, as data: what runs, renders or decides on text that is not constant. Rules about
 * settings are in `rules_python_settings.ts`.
 *
 * @module
 */

import type { TreeRule } from "./rule.ts";

const python = { kind: "tree", languages: ["python"] } as const;

export const PYTHON_RULES: readonly TreeRule[] = [
  {
    ...python,
    id: "py-eval",
    title: "eval of something built at run time",
    severity: "high",
    cwe: "CWE-95",
    owasp: "A03:2021",
    words: ["eval"],
    query: `
      (call function: (identifier) @f arguments: (argument_list . (_) @a)
        (#eq? @f "eval") (#dynamic? @a)) @hit`,
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
        'message = "eval({name})"',
      ],
    },
  },
  {
    ...python,
    id: "py-exec",
    title: "exec of something built at run time",
    severity: "medium",
    cwe: "CWE-95",
    owasp: "A03:2021",
    words: ["exec"],
    query: `
      (call function: (identifier) @f arguments: (argument_list . (_) @a)
        (#eq? @f "exec") (#dynamic? @a)) @hit`,
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
    ...python,
    id: "py-shell-true",
    title: "subprocess through a shell",
    severity: "high",
    cwe: "CWE-78",
    owasp: "A03:2021",
    words: ["shell"],
    query: `
      (call function: (_) @f
        arguments: (argument_list . (_) @a (keyword_argument name: (identifier) @k value: (true)))
        (#match? @f "(^subprocess\\\\.\\\\w+|(^|\\\\.)(Popen|check_output|check_call))$")
        (#eq? @k "shell") (#dynamic? @a)) @hit`,
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
        "command = 'ls'\nsubprocess.run(command, shell=True)",
        "subprocess.run(f'ls {shlex.quote(folder)}', shell=True)",
        "subprocess.run(command, shell=False)",
        "# subprocess.run(command, shell=True)",
        "subprocess.run(command)\nother(shell=True)",
      ],
    },
  },
  {
    ...python,
    id: "py-os-system",
    title: "shell command built from parts",
    severity: "high",
    cwe: "CWE-78",
    owasp: "A03:2021",
    words: ["system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_) @a)
        (#match? @f "^(os\\\\.(system|popen)|subprocess\\\\.(getoutput|getstatusoutput)|asyncio\\\\.create_subprocess_shell)$")
        (#shell-value? @a)) @hit`,
    message: "This text goes to a shell, which interprets whatever the inserted parts contain.",
    remedy: "Use subprocess.run with a list of arguments.",
    examples: {
      bad: [
        'os.system(f"rm -r {folder}")',
        "os.system('rm -r ' + folder)",
        'os.popen("ls %s" % folder)',
        'subprocess.getoutput("ls {}".format(folder))',
        'def f(x):\n    command = "ls " + x\n    os.system(command)',
      ],
      good: [
        'os.system("clear")',
        '# os.system(f"rm {x}")',
        "print(\"os.system(f'{x}')\")",
        'os.system(f"echo {{}}")',
        'os.system(f"rm -r {shlex.quote(folder)}")',
      ],
    },
  },
  {
    ...python,
    id: "py-sql-text",
    title: "SQL built from values",
    severity: "high",
    cwe: "CWE-89",
    owasp: "A03:2021",
    words: ["SELECT", "select", "INSERT", "insert", "UPDATE", "update", "DELETE", "delete"],
    query: `
      (call function: (attribute attribute: (identifier) @f)
        arguments: (argument_list . [
          (call function: (_) @t arguments: (argument_list . (_) @a))
          (_) @a
        ])
        (#any-of? @f "execute" "executemany" "executescript" "read_sql" "read_sql_query" "raw")
        (#sql? @a)) @hit`,
    message: "A value written into the text of a statement can change what the statement does.",
    remedy: "Use placeholders and give the values as the second argument.",
    examples: {
      bad: [
        "cursor.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
        'cursor.execute("SELECT * FROM t WHERE id = %s" % id)',
        'cursor.execute("DELETE FROM t WHERE id = " + id)',
        'cursor.execute("""\n    UPDATE t SET a = {}\n""".format(a))',
        'session.execute(text(f"select a from t where b = {value}"))',
        "q = f\"SELECT a FROM t WHERE b = '{b}'\"\ncursor.execute(q)",
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
    ...python,
    id: "py-pickle",
    title: "unpickling",
    severity: "medium",
    cwe: "CWE-502",
    owasp: "A08:2021",
    words: ["ickle", "dill", "marshal", "shelve"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_))
        (#match? @f "^(pickle|cPickle|_pickle|dill|cloudpickle)\\\\.(loads?|Unpickler)$|^(marshal\\\\.loads?|shelve\\\\.open)$")) @hit`,
    message: "Loading a pickle runs code that the pickle chooses.",
    remedy: "Use json for data that comes from elsewhere, or verify a signature before loading.",
    examples: {
      bad: ["pickle.loads(body)", "data = pickle.load(file)", "dill.loads(x)", "marshal.loads(x)"],
      good: ["pickle.dumps(x)", "# pickle.loads(body)", "json.loads(body)", "my.pickle.loads(x)"],
    },
  },
  {
    ...python,
    id: "py-yaml-load",
    title: "yaml.load without a safe loader",
    severity: "high",
    cwe: "CWE-502",
    owasp: "A08:2021",
    words: ["yaml"],
    query: `
      (call function: (_) @f arguments: (argument_list) @a
        (#match? @f "^yaml\\\\.(load|load_all|unsafe_load|full_load)$") (#imports? @f "yaml")
        (#not-file-matches? @f "\\\\bruamel\\\\b") (#not-has? @a "\\\\bC?(?:Safe|Base)Loader\\\\b")) @hit`,
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
        "import ruamel.yaml\nyaml = YAML()\nyaml.load(text)",
        "import yaml\n# yaml.load(text)",
      ],
    },
  },
  {
    ...python,
    id: "py-template-text",
    title: "template built from values",
    severity: "high",
    cwe: "CWE-1336",
    owasp: "A03:2021",
    words: ["render_template_string", "from_string"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_) @a)
        (#match? @f "(^|\\\\.)(render_template_string|from_string)$")
        (#imports? @f "flask" "jinja2") (#built? @a)) @hit`,
    message: "A value written into a template can hold template code, which runs on the server.",
    remedy: "Keep the template constant and give it the values as variables.",
    examples: {
      bad: [
        'from flask import render_template_string\nrender_template_string(f"<p>{name}</p>")',
        'import jinja2\nenv.from_string("Hello " + name)',
      ],
      good: [
        'from flask import render_template_string\nrender_template_string("<p>{{ name }}</p>", name=name)',
        "import jinja2\nenv.from_string(source)",
      ],
    },
  },
  {
    ...python,
    id: "py-mark-safe",
    title: "HTML built from values and marked safe",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["mark_safe", "Markup"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_) @a)
        (#match? @f "(^|\\\\.)(mark_safe|Markup)$") (#imports? @f "django" "markupsafe" "flask" "jinja2")
        (#built? @a) (#not-has? @a "\\\\bescape\\\\(")) @hit`,
    message: "The value is not escaped, so scripts in it run in the page.",
    remedy: "Use format_html, or Markup(...).format(...), which escape the values.",
    examples: {
      bad: [
        'from django.utils.safestring import mark_safe\nmark_safe(f"<b>{name}</b>")',
        'from markupsafe import Markup\nMarkup("<b>" + name + "</b>")',
      ],
      good: [
        'from django.utils.safestring import mark_safe\nmark_safe("<b>x</b>")',
        'from django.utils.safestring import mark_safe\nmark_safe("<b>" + escape(name) + "</b>")',
        'mark_safe(f"{x}")',
      ],
    },
  },
  {
    ...python,
    id: "py-path-from-request",
    title: "file named by the request",
    severity: "high",
    cwe: "CWE-22",
    owasp: "A01:2021",
    words: ["request"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_) @a)
        (#match? @f "^(open|io\\\\.open|(flask\\\\.)?send_file|os\\\\.(remove|unlink|listdir)|shutil\\\\.rmtree)$")
        (#from-request? @a)) @hit`,
    message: "With .. or an absolute path in it, the request reaches any file of this process.",
    remedy: "Use send_from_directory, or check the resolved path against its folder.",
    examples: {
      bad: [
        'open(request.args["file"])',
        'name = request.args.get("name")\nsend_file(f"data/{name}")',
        'open(os.path.join(ROOT, request.form["name"]), "rb")',
      ],
      good: [
        'open("a.txt")',
        "open(path)",
        'open(os.path.join(ROOT, secure_filename(request.form["name"])))',
      ],
    },
  },
  {
    ...python,
    id: "py-request-forgery",
    title: "request to an address from the request",
    severity: "high",
    cwe: "CWE-918",
    owasp: "A10:2021",
    words: ["request"],
    query: `
      (call function: (_) @f arguments: (argument_list . (_) @a)
        (#match? @f "^((requests|httpx|session|client)\\\\.(get|post|put|head|request)|(urllib\\\\.request\\\\.)?urlopen)$")
        (#from-request? @a) (#not-match? @a "^[fF]?[\\"']{1,3}https?://[^{\\"'/]+/")) @hit`,
    message: "Whoever sends the request decides which server, an internal one too, is asked.",
    remedy: "Ask only servers from a list, and never take the host from a request.",
    examples: {
      bad: [
        'requests.get(request.args["url"])',
        'url = request.form.get("url")\nrequests.post(url)',
      ],
      good: [
        'requests.get("https://api.io/x")',
        "requests.get(f\"https://api.io/users/{request.args['id']}\")",
        "requests.get(url)",
      ],
    },
  },
  {
    ...python,
    id: "py-open-redirect",
    title: "redirect to an address from the request",
    severity: "medium",
    cwe: "CWE-601",
    owasp: "A01:2021",
    words: ["redirect", "Redirect"],
    query: `
      (call function: (_) @f arguments: (argument_list . [(call) (subscript) (identifier) (attribute)] @a)
        (#match? @f "^((flask\\\\.)?redirect|HttpResponseRedirect)$") (#from-request? @a)
        (#not-match? @a "^(url_for|reverse)\\\\(")) @hit`,
    message: "Whoever writes the link decides where the visitor is sent.",
    remedy: "Redirect to paths of your own, or check the target with a list of allowed hosts.",
    examples: {
      bad: [
        'redirect(request.args.get("next"))',
        'to = request.GET["to"]\nHttpResponseRedirect(to)',
      ],
      good: ['redirect(url_for("home"))', 'redirect("/home")', "redirect(target)"],
    },
  },
  {
    ...python,
    id: "py-tar-extract",
    title: "archive extracted without a filter",
    severity: "medium",
    cwe: "CWE-22",
    owasp: "A01:2021",
    words: ["extractall"],
    query: `
      (call function: (attribute attribute: (identifier) @f) arguments: (argument_list) @a
        (#eq? @f "extractall") (#imports? @f "tarfile") (#not-has? @a "\\\\b(?:filter|members)\\\\s{0,9}="))
        @hit`,
    message: "Names with .. in a tar archive put files outside the folder.",
    remedy: 'Give filter="data".',
    examples: {
      bad: ["import tarfile\ntarfile.open(p).extractall(folder)"],
      good: [
        'import tarfile\ntarfile.open(p).extractall(folder, filter="data")',
        "import zipfile\nzipfile.ZipFile(p).extractall(folder)",
      ],
    },
  },
  {
    ...python,
    id: "py-mktemp",
    title: "tempfile.mktemp",
    severity: "medium",
    cwe: "CWE-377",
    owasp: "A01:2021",
    words: ["mktemp"],
    query: `(call function: (_) @f (#match? @f "^tempfile\\\\.mktemp$")) @hit`,
    message: "Between naming the file and opening it, someone else can put their own there.",
    remedy: "Use tempfile.NamedTemporaryFile or tempfile.mkstemp.",
    examples: {
      bad: ["path = tempfile.mktemp()", "tempfile.mktemp(suffix='.x')"],
      good: ["tempfile.mkstemp()", "tempfile.mkdtemp()", "# tempfile.mktemp()"],
    },
  },
];
