/**
 * Rules for JavaScript and TypeScript, as data: settings and primitives that give protection away.
 *
 * @module
 */

import type { TreeRule } from "./rule.ts";

const javascript = {
  kind: "tree",
  languages: ["typescript", "javascript"],
} as const;

export const JAVASCRIPT_SETTINGS_RULES: readonly TreeRule[] = [
  {
    ...javascript,
    id: "js-tls-verify-off",
    title: "TLS certificates not checked",
    severity: "high",
    cwe: "CWE-295",
    owasp: "A07:2021",
    words: ["rejectUnauthorized", "NODE_TLS_REJECT_UNAUTHORIZED"],
    query: `
      (pair key: (_) @k value: (false) (#match? @k "^[\\"']?rejectUnauthorized[\\"']?$")) @hit
      (assignment_expression left: (member_expression property: (property_identifier) @p) right: (false)
        (#eq? @p "rejectUnauthorized")) @hit
      (assignment_expression left: (_) @l right: (_) @r
        (#match? @l "NODE_TLS_REJECT_UNAUTHORIZED[\\"'\`\\\\]]*$") (#match? @r "^[\\"'\`]?0[\\"'\`]?$")) @hit`,
    message: "With verification off, anyone on the way can read and change this connection.",
    remedy: "Leave verification on; give a private authority's certificate in the option ca.",
    examples: {
      bad: [
        "const agent = new https.Agent({ rejectUnauthorized: false });",
        'tls.connect({ "rejectUnauthorized": false })',
        'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";',
        "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = 0;",
        "options.rejectUnauthorized = false;",
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
    ...javascript,
    id: "js-tls-old",
    title: "outdated version of TLS",
    severity: "medium",
    cwe: "CWE-327",
    owasp: "A02:2021",
    words: ["SSLv", "TLSv1"],
    query: `
      (pair key: (_) @k value: (string) @v
        (#match? @k "^(secureProtocol|minVersion|maxVersion)$")
        (#match? @v "^.(SSLv2_|SSLv3_|SSLv23_|TLSv1_method|TLSv1_1_|TLSv1_client|TLSv1_server|TLSv1.$|TLSv1\\\\.1.$)")) @hit`,
    message: "SSL and TLS before 1.2 are broken.",
    remedy: "Leave the version to Node, or set minVersion to TLSv1.2 or later.",
    examples: {
      bad: [
        'https.request({ secureProtocol: "SSLv3_method" })',
        "tls.connect({ minVersion: 'TLSv1' })",
      ],
      good: ["tls.connect({ minVersion: 'TLSv1.2' })", 'f({ minVersion: "1.0.0" })'],
    },
  },
  {
    ...javascript,
    id: "js-weak-hash",
    title: "MD5 or SHA-1 for something that must stay secret",
    severity: "medium",
    cwe: "CWE-328",
    owasp: "A02:2021",
    words: ["createHash", "createHmac", "digest", "hash("],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (string) @a)
        (#match? @f "(^|\\\\.)(createHash|createHmac|subtle\\\\.digest)$")
        (#match? @a "^.(?:[mM][dD][45]|[sS][hH][aA]-?1).$")
        (#near? @f "[pP]ass(?:wor|phrase|wd)|[pP]wd|[tT]oken|[sS]ecret|[sS]ignature|[sS]ign\\\\(|[aA]uth|[cC]redential|[sS]ession|[cC]ertificate|[sS]alt|[cC]srf")) @hit`,
    message: "MD5 and SHA-1 are broken: two texts with the same hash can be made on purpose.",
    remedy: "Use SHA-256 or better; for passwords, scrypt or argon2.",
    examples: {
      bad: [
        'crypto.createHash("md5").update(password).digest("hex")',
        "const token = createHash('SHA1').update(name);",
        'const signature = await crypto.subtle.digest("SHA-1", bytes);',
      ],
      good: [
        'crypto.createHash("sha256").update(password)',
        'crypto.createHash("md5").update(text)',
        'const etag = createHash("sha1").update(body).digest("hex");',
        '// createHash("md5")',
        "const help = 'createHash(\"md5\")';",
        'await crypto.subtle.digest("SHA-256", bytes)',
      ],
    },
  },
  {
    ...javascript,
    id: "js-weak-cipher",
    title: "weak or unauthenticated cipher",
    severity: "medium",
    cwe: "CWE-327",
    owasp: "A02:2021",
    words: ["createCipher", "createDecipher"],
    query: `
      (call_expression function: (_) @f arguments: (arguments . (string) @a)
        (#match? @f "(^|\\\\.)create(C|Dec)ipher(iv)?$")
        (#match? @a "^.(?:[dD][eE][sS]|[rR][cC][24]|[bB][fF]|[aA][eE][sS]-?(?:128|192|256)-?[eE][cC][bB])")) @hit
      (call_expression function: (member_expression object: (identifier) @o property: (property_identifier) @f)
        (#eq? @o "crypto") (#match? @f "^create(C|Dec)ipher$")) @hit`,
    message: "This cipher, or this way to make its key, can be broken.",
    remedy: "Use createCipheriv with aes-256-gcm and a fresh random nonce for each message.",
    examples: {
      bad: [
        'crypto.createCipheriv("des-cbc", key, iv)',
        "crypto.createCipher(algorithm, password)",
        "createDecipheriv('aes-128-ecb', key, null)",
      ],
      good: ['crypto.createCipheriv("aes-256-gcm", key, iv)', "tools.createCipher(x)"],
    },
  },
  {
    ...javascript,
    id: "js-random-secret",
    title: "secret from Math.random",
    severity: "medium",
    cwe: "CWE-338",
    owasp: "A02:2021",
    words: ["Math.random"],
    query: `
      ([(variable_declarator name: (identifier) @n value: (_) @v)
       (assignment_expression left: (_) @n right: (_) @v)
       (pair key: (_) @n value: (_) @v)] @hit
      (#match? @n "(?:[tT]oken|[sS]ecret|[pP]assword|[pP]asswd|[sS]ession_?I[dD]|[aA]piKey|[oO]tp|[sS]alt|[nN]once|csrf)[\\"']?$")
      (#match? @v "Math\\\\.random\\\\(\\\\)") (#not-match? @v "^(async )?(function|\\\\()[^=]*(=>|\\\\{)")
      (#not-match? @v "^[{\\\\[]|=>"))`,
    message: "What Math.random gives can be guessed from what it gave before.",
    remedy: "Use crypto.randomUUID or crypto.getRandomValues.",
    examples: {
      bad: [
        "const token = Math.random().toString(36).slice(2);",
        "user.resetToken = 'r' + Math.random();",
        "const o = { sessionId: Math.random() };",
      ],
      good: [
        "const token = crypto.randomUUID();",
        "const delay = Math.random() * 100;",
        "const tokenAt = Math.random();",
      ],
    },
  },
  {
    ...javascript,
    id: "js-jwt-unverified",
    title: "JWT accepted without a signature",
    severity: "high",
    cwe: "CWE-347",
    owasp: "A02:2021",
    words: ["none"],
    query: `
      (pair key: (_) @k value: (array (string) @s)
        (#eq? @k "algorithms") (#match? @s "^.[nN][oO][nN][eE].$")) @hit
      (pair key: (_) @k value: (string) @s
        (#match? @k "^(algorithm|alg)$") (#match? @s "^.[nN][oO][nN][eE].$") (#imports? @k "jsonwebtoken" "jose" "jwt-simple" "express-jwt")) @hit`,
    message: "With the algorithm none, anyone can write a token.",
    remedy: "Name the algorithm you sign with, for example RS256 or HS256.",
    examples: {
      bad: [
        'jwt.verify(token, key, { algorithms: ["HS256", "none"] })',
        "const jwt = require('jsonwebtoken');\njwt.sign(data, '', { algorithm: 'none' });",
      ],
      good: ['jwt.verify(token, key, { algorithms: ["HS256"] })', "f({ algorithm: 'none' })"],
    },
  },
  {
    ...javascript,
    id: "js-cors-credentials",
    title: "every origin may call with credentials",
    severity: "high",
    cwe: "CWE-942",
    owasp: "A05:2021",
    words: ["credentials"],
    query: `
      (object (pair key: (_) @o value: [(true) (string)] @v) (pair key: (_) @c value: (true))
        (#eq? @o "origin") (#match? @v "^(true|.\\\\*.)$") (#eq? @c "credentials")) @hit
      (object (pair key: (_) @c value: (true)) (pair key: (_) @o value: [(true) (string)] @v)
        (#eq? @o "origin") (#match? @v "^(true|.\\\\*.)$") (#eq? @c "credentials")) @hit`,
    message: "Any website can then act as the visitor who is signed in here.",
    remedy: "List the origins that may.",
    examples: {
      bad: [
        "app.use(cors({ origin: true, credentials: true }));",
        'cors({ credentials: true, methods, origin: "*" })',
      ],
      good: [
        'cors({ origin: "https://app.io", credentials: true })',
        "cors({ origin: true })",
        'f({ origin: "*", credentials: false })',
      ],
    },
  },
  {
    ...javascript,
    id: "js-post-message-any",
    title: "message posted to any origin",
    severity: "low",
    cwe: "CWE-346",
    owasp: "A01:2021",
    words: ["postMessage"],
    query: `
      (call_expression function: (_) @f
        arguments: (arguments (_) . (string (string_fragment) @s))
        (#match? @f "^(window\\\\.|self\\\\.)?(parent|opener|top|[\\\\w.?]+\\\\.contentWindow!?\\\\??)\\\\.postMessage$")
        (#eq? @s "*")) @hit`,
    message: "Whatever page is in that window by now can read the message.",
    remedy: "Name the origin that the message is for.",
    examples: {
      bad: ['window.parent.postMessage(data, "*");', "frame.contentWindow.postMessage(token, '*')"],
      good: [
        'window.parent.postMessage(data, "https://app.io");',
        "worker.postMessage(data);",
        'port.postMessage(data, "*");',
      ],
    },
  },
  {
    ...javascript,
    id: "js-cookie-script",
    title: "session cookie that scripts can read",
    severity: "medium",
    cwe: "CWE-1004",
    owasp: "A05:2021",
    words: ["httpOnly"],
    query: `
      (pair key: (_) @k value: (false) (#match? @k "^[\\"']?httpOnly[\\"']?$")
        (#file-matches? @k "\\\\b(?:res|response|reply|cookies?)\\\\.(?:cookie|setCookie|set)\\\\(|express-session|cookie-session")) @hit`,
    message: "One script injected anywhere on the site can take this cookie away.",
    remedy: "Leave httpOnly on.",
    examples: {
      bad: ['res.cookie("sid", id, { httpOnly: false });'],
      good: ['res.cookie("sid", id, { httpOnly: true });', "const o = { httpOnly: false };"],
    },
  },
  {
    ...javascript,
    id: "js-electron-node",
    title: "pages of Electron with the rights of Node",
    severity: "high",
    cwe: "CWE-829",
    owasp: "A05:2021",
    words: ["webPreferences"],
    query: `
      (pair key: (property_identifier) @w value: (object (pair key: (_) @k value: [(true) (false)] @v) @hit)
        (#eq? @w "webPreferences")
        (#match? @hit "^(nodeIntegration: *true|contextIsolation: *false|webSecurity: *false|allowRunningInsecureContent: *true)$"))`,
    message: "A script in the page can then do all that the user can.",
    remedy:
      "Keep nodeIntegration off and contextIsolation and webSecurity on; use a preload script.",
    examples: {
      bad: [
        "new BrowserWindow({ webPreferences: { nodeIntegration: true } });",
        "new BrowserWindow({ webPreferences: { preload, contextIsolation: false } });",
      ],
      good: [
        "new BrowserWindow({ webPreferences: { nodeIntegration: false } });",
        "f({ nodeIntegration: true })",
      ],
    },
  },
  {
    ...javascript,
    id: "js-chmod-world",
    title: "file that everyone may write",
    severity: "medium",
    cwe: "CWE-732",
    owasp: "A01:2021",
    words: ["chmod"],
    query: `
      (call_expression function: (_) @f arguments: (arguments (_) . [(number) (string)] @m)
        (#match? @f "(^|\\\\.)[fl]?chmod(Sync)?$") (#match? @m "^[\\"']?(0o|0)?[0-7]?[0-7]{2}[2367][\\"']?$")) @hit`,
    message: "Every user of the machine can then change this file.",
    remedy: "Give write permission to the owner only, for example 0o755 or 0o600.",
    examples: {
      bad: ["fs.chmodSync(file, 0o777);", 'await chmod(file, "666");'],
      good: ["fs.chmodSync(file, 0o755);", "fs.chmod(file, mode, done);", "chmodSync(file, 0o600)"],
    },
  },
  {
    ...javascript,
    id: "js-xml-entities",
    title: "XML parser that follows entities",
    severity: "high",
    cwe: "CWE-611",
    owasp: "A05:2021",
    words: ["noent", "replaceEntities"],
    query: `
      (pair key: (_) @k value: (true) (#match? @k "^(noent|replaceEntities)$") (#imports? @k "libxmljs" "libxmljs2")) @hit`,
    message: "A document can then read files of this machine, or ask other servers.",
    remedy: "Leave the option out.",
    examples: {
      bad: ['const x = require("libxmljs");\nx.parseXml(text, { noent: true });'],
      good: ['const x = require("libxmljs");\nx.parseXml(text);', "f({ noent: true })"],
    },
  },
];
