import assert from "node:assert/strict";
import { parseConfig } from "./load.ts";
import { FOREIGN_ENTRY_KEYS, mapForeignKeys, transportNamed } from "./foreign.ts";
import { ConfigDocument, propertiesOf } from "./document.ts";
import { Findings } from "./findings.ts";
import { ENTRY_KEYS } from "./schema.ts";
import type { StdioEntry } from "./types.ts";

function mapped(entry: unknown, env: Record<string, string> = {}) {
  const document = new ConfigDocument("c.json", JSON.stringify(entry));
  const findings = new Findings(document);
  const { own } = mapForeignKeys(propertiesOf(document.root), {
    label: 'server "it"',
    findings,
    env,
  });
  return {
    own: Object.fromEntries([...own].map(([key, { value }]) => [key, value])),
    warnings: findings.warnings,
  };
}

Deno.test("another client's word for a key of ours is read as ours, and told", () => {
  const cases: [Record<string, unknown>, Record<string, unknown>][] = [
    [{ serverUrl: "u" }, { url: "u" }],
    [{ httpUrl: "u" }, { url: "u" }],
    [{ transport: "sse" }, { type: "sse" }],
    [{ transportType: "stdio" }, { type: "stdio" }],
    [{ environment: { A: "1" } }, { env: new Map([["A", "1"]]) }],
    [{ enabled: false }, { disabled: true }],
    [{ isActive: true }, { disabled: false }],
    [{ tool_timeout_sec: 45 }, { callTimeout: 45_000 }],
    [{ startup_timeout_sec: 1.5 }, { startTimeout: 1_500 }],
    [{ startup_timeout_ms: 20_000 }, { startTimeout: 20_000 }],
    [{ http_headers: { A: "1" } }, { headers: new Map([["A", "1"]]) }],
    [{ env_http_headers: { A: "KEY" } }, { headers: new Map([["A", "${KEY}"]]) }],
    [{ bearer_token_env_var: "KEY" }, { headers: new Map([["Authorization", "Bearer ${KEY}"]]) }],
    [{ env_vars: ["KEY", "NONE"] }, { env: new Map([["KEY", "${KEY}"]]) }],
  ];
  for (const [entry, own] of cases) {
    const result = mapped(entry, { KEY: "s3cr3t" });
    assert.deepEqual(result.own, own);
    assert.equal(result.warnings.length, 1, JSON.stringify(entry));
    assert.match(
      result.warnings[0]!,
      /^c\.json:1:2: server "it": "\w+" \(.+\) is (read|understood) as/,
    );
  }
});

Deno.test("a key of ours wins over another client's word for it", () => {
  for (
    const [entry, key, value] of [
      [{ serverUrl: "theirs", url: "ours" }, "url", "ours"],
      [{ enabled: true, disabled: true }, "disabled", true],
      [{ timeout: 5, callTimeout: "2m" }, "callTimeout", "2m"],
    ] as const
  ) {
    const { own, warnings } = mapped(entry);
    assert.equal(own[key], value);
    assert.match(warnings.join(), new RegExp(`is ignored: "${key}" is given too`));
  }
  const { own } = mapped({ bearer_token_env_var: "T", headers: { Authorization: "ours", A: "a" } });
  assert.deepEqual(own.headers, new Map([["Authorization", "ours"], ["A", "a"]]));
});

Deno.test("timeout is understood in the unit its client means, and the warning says which", () => {
  const cases: [Record<string, unknown>, number | undefined, string][] = [
    [{ timeout: 60 }, 60_000, '"1m"'],
    [{ timeout: 999 }, 999_000, '"999s"'],
    [{ timeout: 1_000 }, 1_000, '"1s"'],
    [{ timeout: 30_000 }, 30_000, '"30s"'],
    [{ timeout: 1_800 }, 1_800, '"1800ms"'],
    [{ timeout: 1_800, autoApprove: [] }, 1_800_000, '"30m"'],
    [{ timeout: 3_600, alwaysAllow: [] }, 3_600_000, '"1h"'],
    [{ timeout: 60_000, autoApprove: [] }, 60_000, '"1m"'],
    [{ timeout: "90s" }, 90_000, '"90s"'],
    [{ timeout: 0 }, undefined, "is ignored"],
    [{ timeout: -1 }, undefined, "is ignored"],
    [{ timeout: "soon" }, undefined, "is ignored"],
    [{ timeout: [] }, undefined, "is ignored"],
    [{ tool_timeout_sec: "5s" }, undefined, "is ignored"],
  ];
  for (const [entry, ms, told] of cases) {
    const { own, warnings } = mapped(entry);
    assert.equal(own.callTimeout, ms, JSON.stringify(entry));
    assert.ok(warnings.some((text) => text.includes(told)), warnings.join());
  }
});

Deno.test("whatever stands under a foreign key, it is no reason to refuse the file", async () => {
  const values = [null, true, 3, -1, "text", "", [], [null], {}, { a: null }, { a: ["b"] }];
  for (const key of FOREIGN_ENTRY_KEYS.keys()) {
    for (const value of values) {
      const { own, warnings } = mapped({ command: "x", [key]: value });
      assert.equal(own.command, "x");
      assert.ok(warnings.some((text) => text.includes(JSON.stringify(key))), key);
      // Renamed keys have the types of ours, and a wrong type is wrong under any name.
      if (["type", "url", "env", "headers"].some((to) => own[to] !== undefined)) continue;
      const text = JSON.stringify({ mcpServers: { it: { command: "x", [key]: value } } });
      await parseConfig(text, { file: "/c.json", env: {}, home: "/h" });
    }
  }
});

Deno.test("the value of a foreign key is never shown", () => {
  for (const key of FOREIGN_ENTRY_KEYS.keys()) {
    for (const value of ["s3cr3t x", ["s3cr3t x"], { a: "s3cr3t x" }]) {
      assert.ok(!mapped({ [key]: value }).warnings.join().includes("s3cr3t"), key);
    }
  }
});

Deno.test("a secret pasted where the name of a variable belongs fails that server unshown", async () => {
  for (const key of ["bearer_token_env_var", "env_http_headers"]) {
    const value = key === "env_http_headers" ? { "X-Key": "s3cr3t" } : "s3cr3t";
    const { servers, warnings } = await parseConfig(
      JSON.stringify({ mcpServers: { it: { url: "https://a", [key]: value } } }),
      { file: "/c.json", env: {}, home: "/h" },
    );
    const it = servers.get("it")!;
    assert.match(
      it.kind === "broken" ? it.problem : "",
      /variable that is not set.*not the secret/,
    );
    assert.ok(!JSON.stringify([it, warnings]).includes("s3cr3t"));
  }
});

Deno.test("a key nobody knows is told with its place, and no table shadows a key of ours", () => {
  const { own, warnings } = mapped({ comand: "x", command: "y", toString: 1 });
  assert.deepEqual(own, { command: "y" });
  assert.match(warnings[0]!, /^c\.json:1:2: server "it": "comand" is not known and is ignored/);
  assert.match(warnings[1]!, /"toString" is not known/);
  for (const key of FOREIGN_ENTRY_KEYS.keys()) assert.ok(!ENTRY_KEYS.has(key), key);
});

Deno.test("transports are known in every client's spelling", () => {
  for (const type of ["http", "HTTP", "streamable-http", "streamableHttp", "streamable_http"]) {
    assert.equal(transportNamed(type), "http");
  }
  assert.equal(transportNamed("local"), "stdio");
  assert.equal(transportNamed("websocket"), "ws");
  assert.equal(transportNamed("constructor"), undefined);
});

Deno.test("an entry with keys of several clients runs, and every one of them is told", async () => {
  const entry = {
    command: "node",
    args: ["x.js"],
    disabled: false,
    autoApprove: ["a"],
    alwaysAllow: [],
    trust: true,
    timeout: 60,
    sandboxEnabled: true,
    description: "d",
  };
  const { servers, warnings } = await parseConfig(
    JSON.stringify({ mcpServers: { it: entry } }),
    { file: "/c.json", env: {}, home: "/h" },
  );
  assert.equal((servers.get("it") as StdioEntry).callTimeoutMs, 60_000);
  for (
    const key of ["autoApprove", "alwaysAllow", "trust", "timeout", "sandboxEnabled", "description"]
  ) {
    assert.ok(warnings.some((text) => text.includes(`"${key}"`)), key);
  }
  assert.equal(warnings.length, 6);
});
