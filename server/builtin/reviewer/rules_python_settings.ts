/**
 * Rules for Python, as data: settings and primitives that give protection away.
 *
 * @module
 */

import type { TreeRule } from "./rule.ts";

const python = { kind: "tree", languages: ["python"] } as const;

export const PYTHON_SETTINGS_RULES: readonly TreeRule[] = [
  {
    ...python,
    id: "py-tls-verify-off",
    title: "TLS certificates not checked",
    severity: "high",
    cwe: "CWE-295",
    owasp: "A07:2021",
    words: ["verify", "check_hostname", "_create_unverified_context", "CERT_NONE"],
    query: `
      (keyword_argument name: (identifier) @k value: (false) (#eq? @k "verify")
        (#imports? @k "requests" "httpx" "urllib3" "aiohttp")) @hit
      (attribute attribute: (identifier) @n (#eq? @n "_create_unverified_context")) @hit
      (assignment left: (attribute attribute: (identifier) @n) right: (false)
        (#eq? @n "check_hostname")) @hit
      (assignment left: (attribute attribute: (identifier) @n) right: (_) @v
        (#any-of? @n "verify_mode" "cert_reqs") (#match? @v "(^|\\\\.)CERT_NONE$")) @hit
      (keyword_argument name: (identifier) @n value: (_) @v
        (#any-of? @n "verify_mode" "cert_reqs") (#match? @v "(^|\\\\.)CERT_NONE$")) @hit`,
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
    ...python,
    id: "py-tls-old",
    title: "outdated version of TLS",
    severity: "medium",
    cwe: "CWE-327",
    owasp: "A02:2021",
    words: ["PROTOCOL_SSLv", "PROTOCOL_TLSv1", "TLSVersion"],
    query: `
      ((attribute) @hit
        (#match? @hit "^ssl\\\\.(PROTOCOL_SSLv2|PROTOCOL_SSLv3|PROTOCOL_TLSv1|PROTOCOL_TLSv1_1|TLSVersion\\\\.(SSLv3|TLSv1|TLSv1_1))$"))`,
    message: "SSL and TLS before 1.2 are broken.",
    remedy: "Use ssl.create_default_context, which takes the best version both sides know.",
    examples: {
      bad: [
        "ctx = ssl.SSLContext(ssl.PROTOCOL_SSLv3)",
        "ctx.minimum_version = ssl.TLSVersion.TLSv1",
      ],
      good: [
        "ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "ctx.minimum_version = ssl.TLSVersion.TLSv1_2",
      ],
    },
  },
  {
    ...python,
    id: "py-weak-hash",
    title: "MD5 or SHA-1 for something that must stay secret",
    severity: "medium",
    cwe: "CWE-328",
    owasp: "A02:2021",
    words: ["hashlib"],
    query: `
      (call function: (_) @f arguments: (argument_list) @a
        (#match? @f "^hashlib\\\\.(md5|sha1)$") (#not-match? @a "usedforsecurity *= *False")
        (#near? @f "[pP]ass(?:wor|phrase|wd)|[pP]wd|[tT]oken|[sS]ecret|[sS]ignature|[sS]ign\\\\(|[aA]uth|[cC]redential|[sS]ession|[cC]ertificate|[sS]alt|[cC]srf")) @hit
      (call function: (_) @f arguments: (argument_list . (string) @n) @a
        (#eq? @f "hashlib.new") (#match? @n "^.(?:[mM][dD][45]|[sS][hH][aA]-?1).$")
        (#not-match? @a "usedforsecurity *= *False")
        (#near? @f "[pP]ass(?:wor|phrase|wd)|[pP]wd|[tT]oken|[sS]ecret|[sS]ignature|[sS]ign\\\\(|[aA]uth|[cC]redential|[sS]ession|[cC]ertificate|[sS]alt|[cC]srf")) @hit`,
    message: "MD5 and SHA-1 are broken: two texts with the same hash can be made on purpose.",
    remedy: "Use hashlib.sha256 or better; where it guards nothing, say usedforsecurity=False.",
    examples: {
      bad: [
        "hashlib.md5(password)",
        "token = hashlib.sha1()",
        "hashlib.new('md5', secret)",
      ],
      good: [
        "hashlib.sha256(password)",
        "hashlib.md5(text)",
        "cache_key = hashlib.md5(text)",
        "hashlib.md5(password, usedforsecurity=False)",
        "hashlib.new('md5', usedforsecurity=False)",
        "# hashlib.md5(password)",
        "'hashlib.md5(password)'",
      ],
    },
  },
  {
    ...python,
    id: "py-weak-cipher",
    title: "weak or unauthenticated cipher",
    severity: "medium",
    cwe: "CWE-327",
    owasp: "A02:2021",
    words: ["DES", "ARC4", "ARC2", "Blowfish", "ECB"],
    query: `
      (call function: (_) @f (#match? @f "^(DES3?|ARC[24]|Blowfish)\\\\.new$|^(algorithms\\\\.(ARC4|Blowfish|TripleDES|IDEA)|modes\\\\.ECB)$")) @hit
      ((attribute) @hit (#match? @hit "^(AES|DES3?|Blowfish)\\\\.MODE_ECB$"))`,
    message: "This cipher, or this way to use it, can be broken.",
    remedy: "Use AES-GCM or ChaCha20-Poly1305 with a fresh random nonce for each message.",
    examples: {
      bad: ["c = ARC4.new(key)", "c = AES.new(key, AES.MODE_ECB)", "Cipher(AES(key), modes.ECB())"],
      good: ["c = AES.new(key, AES.MODE_GCM)", "# ARC4.new(key)"],
    },
  },
  {
    ...python,
    id: "py-random-secret",
    title: "secret from the module random",
    severity: "medium",
    cwe: "CWE-338",
    owasp: "A02:2021",
    words: ["random"],
    query: `
      (assignment left: (_) @n right: (_) @v
        (#match? @n "(?:[tT]oken|[sS]ecret|[pP]assword|[pP]asswd|session_?id|api_?key|\\\\botp|salt|nonce|csrf)$")
        (#match? @v "\\\\brandom\\\\.(?:choices?|randint|random|randrange|sample|getrandbits)\\\\(")
        (#not-match? @v "SystemRandom")) @hit`,
    message: "What the module random gives can be guessed from what it gave before.",
    remedy: "Use the module secrets, for example secrets.token_urlsafe().",
    examples: {
      bad: [
        "token = ''.join(random.choice(letters) for _ in range(20))",
        "self.password = random.randint(1000, 9999)",
      ],
      good: [
        "token = secrets.token_hex()",
        "delay = random.random()",
        "index = random.choice(tokens)",
      ],
    },
  },
  {
    ...python,
    id: "py-flask-debug",
    title: "debugger of Flask switched on",
    severity: "high",
    cwe: "CWE-489",
    owasp: "A05:2021",
    words: ["debug"],
    query: `
      (call function: (attribute attribute: (identifier) @f)
        arguments: (argument_list (keyword_argument name: (identifier) @k value: (true)))
        (#eq? @f "run") (#eq? @k "debug") (#imports? @f "flask")) @hit`,
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
    ...python,
    id: "py-jwt-unverified",
    title: "JWT accepted without a signature",
    severity: "high",
    cwe: "CWE-347",
    owasp: "A02:2021",
    words: ["jwt"],
    query: `
      (call function: (_) @f arguments: (argument_list) @a
        (#eq? @f "jwt.decode")
        (#match? @a "verify *= *False|[\\"']verify_signature[\\"'] *: *False|algorithms *= *\\\\[ *[\\"']none[\\"']")) @hit`,
    message: "Without its signature checked, anyone can write a token.",
    remedy: "Give the key and the one algorithm you sign with, and leave verification on.",
    examples: {
      bad: [
        "jwt.decode(token, verify=False)",
        'jwt.decode(token, options={"verify_signature": False})',
      ],
      good: ['jwt.decode(token, key, algorithms=["HS256"])'],
    },
  },
  {
    ...python,
    id: "py-autoescape-off",
    title: "templates without escaping",
    severity: "medium",
    cwe: "CWE-79",
    owasp: "A03:2021",
    words: ["autoescape"],
    query: `
      (keyword_argument name: (identifier) @k value: (false) (#eq? @k "autoescape")
        (#imports? @k "jinja2")) @hit`,
    message: "Values are put into the page as they are, scripts in them included.",
    remedy: "Use autoescape=select_autoescape().",
    examples: {
      bad: ["import jinja2\nenv = jinja2.Environment(autoescape=False)"],
      good: ["import jinja2\nenv = jinja2.Environment(autoescape=True)", "f(autoescape=False)"],
    },
  },
  {
    ...python,
    id: "py-xml-entities",
    title: "XML parser that follows entities",
    severity: "high",
    cwe: "CWE-611",
    owasp: "A05:2021",
    words: ["resolve_entities", "feature_external_ges"],
    query: `
      (keyword_argument name: (identifier) @k value: (true) (#eq? @k "resolve_entities")
        (#imports? @k "lxml")) @hit
      (call function: (attribute attribute: (identifier) @f)
        arguments: (argument_list . (_) @n . (true))
        (#eq? @f "setFeature") (#match? @n "feature_external_[gp]es$")) @hit`,
    message: "A document can then read files of this machine, or ask other servers.",
    remedy: "Leave it off, or parse with defusedxml.",
    examples: {
      bad: [
        "from lxml import etree\netree.XMLParser(resolve_entities=True)",
        "parser.setFeature(xml.sax.handler.feature_external_ges, True)",
      ],
      good: [
        "from lxml import etree\netree.XMLParser(resolve_entities=False)",
        "etree.XMLParser()",
      ],
    },
  },
  {
    ...python,
    id: "py-ssh-any-host",
    title: "SSH hosts not checked",
    severity: "high",
    cwe: "CWE-295",
    owasp: "A07:2021",
    words: ["AutoAddPolicy", "WarningPolicy"],
    query: `
      (call function: (attribute attribute: (identifier) @f) arguments: (argument_list . (_) @p)
        (#eq? @f "set_missing_host_key_policy")
        (#match? @p "^(paramiko\\\\.)?(client\\\\.)?(AutoAddPolicy|WarningPolicy)")) @hit`,
    message: "Any machine that answers is taken for the right one.",
    remedy: "Load the known hosts and keep RejectPolicy.",
    examples: {
      bad: [
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
        "client.set_missing_host_key_policy(WarningPolicy)",
      ],
      good: ["client.set_missing_host_key_policy(paramiko.RejectPolicy())"],
    },
  },
  {
    ...python,
    id: "py-chmod-world",
    title: "file that everyone may write",
    severity: "medium",
    cwe: "CWE-732",
    owasp: "A01:2021",
    words: ["chmod"],
    query: `
      (call function: (_) @f arguments: (argument_list (_) . (integer) @m)
        (#match? @f "^os\\\\.[fl]?chmod$") (#match? @m "^(0o|0)[0-7]?[0-7]{2}[2367]$")) @hit`,
    message: "Every user of the machine can then change this file.",
    remedy: "Give write permission to the owner only, for example 0o755 or 0o600.",
    examples: {
      bad: ["os.chmod(path, 0o777)", "os.chmod(path, 0o666)"],
      good: ["os.chmod(path, 0o755)", "os.chmod(path, mode)"],
    },
  },
  {
    ...python,
    id: "py-secret-key",
    title: "key of a web application in its source",
    severity: "high",
    cwe: "CWE-798",
    owasp: "A07:2021",
    words: ["SECRET_KEY", "secret_key"],
    query: `
      (assignment left: (_) @l right: (string) @v
        (#match? @l "^(SECRET_KEY|app\\\\.secret_key|app\\\\.config\\\\[.SECRET_KEY.\\\\])$")
        (#imports? @l "flask" "django" "os" "pathlib") (#not-dynamic? @v)
        (#not-match? @v "^.{0,2}$")
        (#not-match? @v "[eE]xample|[cC]hange|[yY]our|[pP]laceholder|\\\\{")) @hit`,
    message: "Whoever has this key can sign sessions, and sign in as anyone.",
    remedy: "Change the key now, and read it from the environment.",
    examples: {
      bad: [
        "from flask import Flask\napp.secret_key = 'kq8#nd72hs'",
        "from pathlib import Path\nSECRET_KEY = 'django-insecure-8s7d6f'",
      ],
      good: [
        "import os\nSECRET_KEY = os.environ['SECRET_KEY']",
        "import os\nSECRET_KEY = ''",
        "import os\nSECRET_KEY = 'change-me'",
      ],
    },
  },
];
