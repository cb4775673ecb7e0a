import { deepEqual } from "node:assert/strict";
import { selfCommandFrom, type SelfFacts } from "./self.ts";

const facts: SelfFacts = {
  entry: {
    url: "file:///opt/aichaku%20dir/main.ts",
    filename: "/opt/aichaku dir/main.ts",
    dirname: "/opt/aichaku dir",
  },
  standalone: false,
  execPath: "/usr/bin/deno",
  exists: (path) => path === "/opt/aichaku dir/deno.json",
};

Deno.test("from source: deno runs the entry file with its own import map", () => {
  deepEqual(selfCommandFrom(facts), {
    command: "/usr/bin/deno",
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "-A",
      "--config",
      "/opt/aichaku dir/deno.json",
      "/opt/aichaku dir/main.ts",
    ],
  });
});

Deno.test("bundled without a deno.json beside it: no configuration is named", () => {
  deepEqual(selfCommandFrom({ ...facts, exists: () => false }).args.slice(-2), [
    "-A",
    "/opt/aichaku dir/main.ts",
  ]);
});

Deno.test("from the network: the address is run as it is", () => {
  const url = "https://example.com/aichaku/main.ts";
  deepEqual(selfCommandFrom({ ...facts, entry: { url } }).args.slice(-2), ["-A", url]);
});

Deno.test("compiled: the binary is the whole command", () => {
  deepEqual(selfCommandFrom({ ...facts, standalone: true, execPath: "/usr/local/bin/aichaku" }), {
    command: "/usr/local/bin/aichaku",
    args: [],
  });
});
