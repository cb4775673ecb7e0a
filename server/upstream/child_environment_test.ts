import assert from "node:assert/strict";
import { childEnvironment } from "./child_environment.ts";

const DAEMON = {
  PATH: "/bin",
  HOME: "/home/me",
  LANG: "C.UTF-8",
  HTTPS_PROXY: "http://proxy",
  TMPDIR: "/tmp/x",
  AICHAKU_TOKEN: "secret",
  AICHAKU_HOME: "/home/me/.aichaku",
  AWS_SECRET_ACCESS_KEY: "secret",
  NODE_OPTIONS: "--inspect",
  LD_PRELOAD: "/tmp/x.so",
  SHELL: "() { :; }; echo bad",
};

Deno.test("a child gets what programs need to run, and nothing else of the daemon's", () => {
  assert.deepEqual(
    childEnvironment({ inherited: DAEMON, entry: {}, instanceId: "i-1", os: "linux" }),
    {
      PATH: "/bin",
      HOME: "/home/me",
      LANG: "C.UTF-8",
      HTTPS_PROXY: "http://proxy",
      TMPDIR: "/tmp/x",
      AICHAKU_INSTANCE: "i-1",
    },
  );
});

Deno.test("what the entry names wins, and the mark of the daemon over everything", () => {
  const entry = { PATH: "/opt/bin", API_KEY: "k", AICHAKU_INSTANCE: "mine" };
  assert.deepEqual(
    childEnvironment({ inherited: { PATH: "/bin" }, entry, instanceId: "i-1", os: "linux" }),
    { PATH: "/opt/bin", API_KEY: "k", AICHAKU_INSTANCE: "i-1" },
  );
});

Deno.test("on Windows names are found however they are written, and an entry replaces them so", () => {
  const inherited = { Path: "C:\\bin", SystemRoot: "C:\\Windows", HOME: "/x", Secret: "s" };
  const environment = childEnvironment({ inherited, entry: {}, instanceId: "i-1", os: "windows" });
  assert.deepEqual(environment, {
    PATH: "C:\\bin",
    SYSTEMROOT: "C:\\Windows",
    AICHAKU_INSTANCE: "i-1",
  });
  const replaced = childEnvironment({
    inherited,
    entry: { Path: "D:\\bin" },
    instanceId: "i-1",
    os: "windows",
  });
  assert.deepEqual(Object.keys(replaced).filter((name) => name.toUpperCase() === "PATH"), ["Path"]);
  assert.equal(replaced.Path, "D:\\bin");
});

Deno.test("a server that asks for node gets Node, not what Deno puts in its place", () => {
  const environment = childEnvironment({
    inherited: {
      PATH: "/home/me/.cache/deno/node_compat_bin:/usr/bin:/opt/node_compat_bin_of_mine",
    },
    entry: {},
    instanceId: "i",
    os: "linux",
  });
  assert.equal(environment.PATH, "/usr/bin:/opt/node_compat_bin_of_mine");
});
