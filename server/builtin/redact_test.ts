import assert from "node:assert/strict";
import { isSecretName, redact, REDACTED, redactText } from "./redact.ts";

const BODY = "R7qTzL2vXw9KbN4mHs6YpDfG3cJtA5eUaQ8B";

Deno.test("values under a name that sounds like a secret are hidden, at any depth", () => {
  assert.deepEqual(
    redact({
      env: { OPENAI_KEY: "abc", DB_PASS: "x", HOME: "/home/a", pin: 1234 },
      headers: { Authorization: "Basic abcd", Accept: "text/html", "X-Api-Key": "k" },
      tokens: { a: ["b", { c: "d" }] },
      apiKey: "x",
    }),
    {
      env: { OPENAI_KEY: REDACTED, DB_PASS: REDACTED, HOME: "/home/a", pin: REDACTED },
      headers: { Authorization: REDACTED, Accept: "text/html", "X-Api-Key": REDACTED },
      tokens: { a: [REDACTED, { c: REDACTED }] },
      apiKey: REDACTED,
    },
  );
});

Deno.test("booleans, null and references to variables are kept", () => {
  const value = {
    requireToken: false,
    secret: null,
    API_TOKEN: "${API_TOKEN}",
    Authorization: "Bearer ${env:DOCS_TOKEN}",
    args: ["--token=${TOKEN}"],
  };
  assert.deepEqual(redact(value), value);
  assert.deepEqual(redact({ TOKEN: "${TOKEN:-fallback}" }), { TOKEN: REDACTED });
});

Deno.test("arguments of a command lose what follows a telling option", () => {
  assert.deepEqual(
    redact(["-y", "pkg", "--api-key", "abc", "--token=abc", "--port", "80", "-e", "GH_TOKEN=abc"]),
    [
      "-y",
      "pkg",
      "--api-key",
      REDACTED,
      `--token=${REDACTED}`,
      "--port",
      "80",
      "-e",
      `GH_TOKEN=${REDACTED}`,
    ],
  );
  assert.deepEqual(redact(["--token", "--verbose", "x"]), ["--token", REDACTED, "x"]);
  assert.deepEqual(redact(["--use-token", "--api-key", "abc"]), [
    "--use-token",
    "--api-key",
    REDACTED,
  ]);
});

Deno.test("texts lose passwords in URLs, telling parameters, headers and known formats", () => {
  const cases: [string, string][] = [
    ["https://" + "me:pw@host/x", `https://${REDACTED}@host/x`],
    ["https://" + "tok3n@host/x", `https://${REDACTED}@host/x`],
    ["https://host/x?a=1&access_token=abc&b=2", `https://host/x?a=1&access_token=${REDACTED}&b=2`],
    ["Authorization: Bearer abc.def", `Authorization: ${REDACTED}`],
    ["X-Api-Key: abc", `X-Api-Key: ${REDACTED}`],
    ["curl -H 'bearer' Bearer abcdefghij", `curl -H 'bearer' Bearer ${REDACTED}`],
    [`push ghp_${BODY} now`, `push ${REDACTED} now`],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${BODY}`, REDACTED],
    ["https://host:8080/a@b", "https://host:8080/a@b"],
    ["--port=80 --name: x", "--port=80 --name: x"],
  ];
  for (const [text, expected] of cases) assert.equal(redactText(text), expected);
});

Deno.test("Maps become objects, and __proto__ is a key like any other", () => {
  const map = new Map<string, unknown>([["__proto__", "x"], ["token", "y"]]);
  assert.equal(JSON.stringify(redact(map)), `{"__proto__":"x","token":"${REDACTED}"}`);
});

Deno.test("ordinary names are not hidden", () => {
  for (
    const name of ["command", "keyboard", "monkey", "compass", "author", "path", "keys", "spin"]
  ) {
    assert.equal(isSecretName(name), false, name);
  }
  for (const name of ["key", "signingKey", "SIGNING_KEY", "DB_PWD", "x-auth", "sessionId"]) {
    assert.equal(isSecretName(name), true, name);
  }
});
