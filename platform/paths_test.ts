import { deepEqual, equal } from "node:assert/strict";
import { isAbsolute } from "node:path";
import { homePaths } from "./paths.ts";

Deno.test("every file is where the documentation says", () => {
  const paths = homePaths("/home/ada/.aichaku", "m1");
  deepEqual(paths, {
    home: "/home/ada/.aichaku",
    configFile: "/home/ada/.aichaku/config.json",
    logFile: "/home/ada/.aichaku/mcp-http-server.log",
    pidFile: "/home/ada/.aichaku/mcp-http-server.pid",
    cacheDir: "/home/ada/.aichaku/cache",
    runDir: "/home/ada/.aichaku/run/m1",
    daemonLock: "/home/ada/.aichaku/run/m1/daemon.lock",
    spawnLock: "/home/ada/.aichaku/run/m1/spawn.lock",
    daemonJson: "/home/ada/.aichaku/run/m1/daemon.json",
    tokenFile: "/home/ada/.aichaku/run/m1/token",
    socket: "/home/ada/.aichaku/run/m1/mcp.sock",
    childrenJson: "/home/ada/.aichaku/run/m1/children.json",
    sessionsDb: "/home/ada/.aichaku/run/m1/sessions.db",
  });
});

Deno.test("a relative home becomes absolute, so that nothing depends on later folder changes", () => {
  equal(isAbsolute(homePaths("some/where", "m1").daemonLock), true);
});
