import assert from "node:assert/strict";
import { ConfigError, parseConfig } from "./load.ts";
import { DEFAULT_LIMITS } from "./settings.ts";

async function settings(server: unknown, env: Record<string, string> = {}) {
  const text = JSON.stringify({ server });
  const config = await parseConfig(text, { file: "/etc/c.json", env, home: "/home/ada" });
  return { server: config.server, warnings: config.warnings };
}

async function problem(server: unknown, env: Record<string, string> = {}): Promise<string> {
  try {
    await settings(server, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(server)} was taken` });
}

Deno.test("what the server section leaves out has its default", async () => {
  const defaults = {
    host: "127.0.0.1",
    port: 7182,
    tcpPort: undefined,
    allowedHosts: [],
    allowedOrigins: [],
    requireToken: false,
    projectRoots: ["/home/ada"],
    idleTimeoutMs: undefined,
    loginShell: true,
    limits: DEFAULT_LIMITS,
  };
  assert.deepEqual((await settings({})).server, defaults);
  assert.deepEqual((await settings(null)).server, defaults);
  assert.deepEqual(
    (await settings({ port: null, limits: { maxSessions: null } })).server,
    defaults,
  );
  const given = { port: 0, loginShell: false, limits: { maxSessions: 3 } };
  assert.deepEqual((await settings(given)).server, {
    ...defaults,
    port: 0,
    loginShell: false,
    limits: { ...DEFAULT_LIMITS, maxSessions: 3 },
  });
});

Deno.test("host names and origins come out in the form requests are compared with", async () => {
  const { server } = await settings({
    host: "[::1]",
    allowedHosts: ["Dev.Example.COM", "dev.example.com", "[FE80::1]", "münchen.example"],
    allowedOrigins: [
      "HTTPS://App.Example.com/",
      "https://app.example.com:443",
      "http://localhost:5173",
      "chrome-extension://abcdef",
    ],
  });
  assert.equal(server.host, "::1");
  assert.deepEqual(server.allowedHosts, [
    "dev.example.com",
    "[fe80::1]",
    "xn--mnchen-3ya.example",
  ]);
  assert.deepEqual(server.allowedOrigins, [
    "https://app.example.com",
    "http://localhost:5173",
    "chrome-extension://abcdef",
  ]);
});

Deno.test("a host name or origin that could never match is refused with a remedy", async () => {
  for (
    const host of ["*", "*.example.com", "http://a", "a:80", "a:", "a/b", "", "u@a", "[::1]:80"]
  ) {
    assert.match(
      await problem({ allowedHosts: ["ok", host] }),
      /"allowedHosts"\[1\] is .*such as/,
      host,
    );
  }
  for (
    const origin of [
      "*",
      "null",
      "example.com",
      "https://a/b",
      "https://*.a",
      "https://u@a",
      "https://a?x",
    ]
  ) {
    assert.match(
      await problem({ allowedOrigins: [origin] }),
      /"allowedOrigins"\[0\] is .*such as/,
      origin,
    );
  }
  for (const host of ["http://127.0.0.1", "127.0.0.1/x", "", "a b"]) {
    assert.match(await problem({ host }), /"host" is .*without scheme and port/, host);
  }
});

Deno.test("a wrong type or range of a setting is told with place, value and remedy", async () => {
  const cases: [unknown, string][] = [
    [{ port: "7182" }, '"port" is "7182": it must be a whole number from 0 to 65535'],
    [{ port: 70000 }, '"port" is 70000: it must be a whole number from 0 to 65535'],
    [{ port: 1.5 }, '"port" is 1.5: it must be a whole number'],
    [{ host: 1 }, '"host" is 1: it must be an address'],
    [{ requireToken: "yes" }, '"requireToken" is "yes": it must be true or false'],
    [{ allowedHosts: "a" }, '"allowedHosts" is "a": it must be an array of host names'],
    [{ allowedHosts: [1] }, '"allowedHosts"[0] is 1: it must be an array of host names'],
    [{ limits: [] }, '"limits" is an array: it must be an object'],
    [{ limits: { maxSessions: 0 } }, '"limits"."maxSessions" is 0: it must be a whole number of'],
    [{ tcpPort: "x" }, '"tcpPort" is "x": it must be a whole number'],
    [{ projectRoots: {} }, '"projectRoots" is an object: it must be an array of folders'],
    [{ idleTimeout: "soon" }, '"idleTimeout" is "soon": it must be a duration'],
    [{ idleTimeout: [] }, '"idleTimeout" is an array: it must be a duration'],
  ];
  for (const [server, message] of cases) {
    const text = await problem(server);
    assert.match(text, /^\/etc\/c\.json:1:\d+: "server": /);
    assert.ok(text.includes(message), text);
  }
  assert.match(await problem([]), /^\/etc\/c\.json:1:11: "server" must be an object/);
});

Deno.test("idleTimeout is a duration", async () => {
  const { server, warnings } = await settings({ idleTimeout: "5m" });
  assert.equal(server.idleTimeoutMs, 300_000);
  assert.deepEqual(warnings, []);
});

Deno.test("a port for plain TCP is opened only when asked for", async () => {
  const { server, warnings } = await settings({ tcpPort: 7183 });
  assert.equal(server.tcpPort, 7183);
  assert.deepEqual(warnings, []);
  assert.equal((await settings({ tcpPort: null })).server.tcpPort, undefined);
});

Deno.test("settings that are not known are warned about", async () => {
  const { warnings } = await settings({
    prot: 1,
    constructor: 2,
    limits: { maxSesions: 1 },
  });
  for (const key of ["prot", "constructor", "maxSesions"]) {
    assert.ok(warnings.some((text) => text.includes(`"${key}" is not known and is ignored`)), key);
  }
  assert.equal(warnings.length, 3);
});

Deno.test("variables work in the settings that are texts, and a missing one is an error there", async () => {
  const { server } = await settings(
    { host: "${BIND:-127.0.0.2}", allowedHosts: ["${NAME}"] },
    { NAME: "dev.example.com" },
  );
  assert.equal(server.host, "127.0.0.2");
  assert.deepEqual(server.allowedHosts, ["dev.example.com"]);
  assert.match(
    await problem({ host: "${BIND}" }),
    /"host": the environment variable BIND is not set/,
  );
  assert.match(await problem({ host: "${project}" }), /"host" depends on the folder of a project/);
});

Deno.test("the folders of projects are absolute, whichever way they are written", async () => {
  const written = ["~", "~/work/", "/srv/./a/../b//", "/", "${DIR}/c"];
  const { server, warnings } = await settings({ projectRoots: written }, { DIR: "/d" });
  assert.deepEqual(server.projectRoots, ["/home/ada", "/home/ada/work", "/srv/b", "/", "/d/c"]);
  assert.deepEqual(warnings, []);
  assert.deepEqual((await settings({ projectRoots: [] })).server.projectRoots, []);
  for (const wrong of ["work", "", "~ada/work", "./work"]) {
    assert.match(
      await problem({ projectRoots: ["/srv", wrong] }),
      /:1:\d+: "server": "projectRoots"\[1\] is ".*": it must be an absolute folder/,
    );
  }
  assert.match(await problem({ projectRoots: "/srv" }), /it must be an array of folders/);
});
