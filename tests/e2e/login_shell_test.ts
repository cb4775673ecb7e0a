/**
 * A daemon that a desktop started knows what one knows that a terminal started: the login shell is asked.
 */

import { equal, match } from "node:assert/strict";
import { join } from "@std/path";
import { processStartTime } from "../../platform/process.ts";
import { DaemonFixture } from "../fixtures/daemon.ts";
import { McpSession } from "./support/mcp_session.ts";
import { misbehaving } from "./support/servers.ts";
import { eventually } from "./support/within.ts";

/** A user with a home, whose shell is bash. */
interface User {
  home: string;
  daemon: DaemonFixture;
}

/** What a desktop gives the programs it starts. */
const DESKTOP_PATH = "/usr/bin:/bin";

/** A test with a user who wrote `profile` for the shell, and has not started a daemon. */
function userTest(
  name: string,
  { profile, ...config }: { profile: string; server?: object; mcpServers: object },
  body: (user: User) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: Deno.build.os === "windows",
    async fn() {
      const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "aichaku-user-" }));
      try {
        await Deno.writeTextFile(join(home, ".bash_profile"), profile);
        await using daemon = await DaemonFixture.create({
          config,
          env: {
            HOME: home,
            SHELL: "/bin/bash",
            PATH: DESKTOP_PATH,
            // What is cached already is not fetched again for this user.
            DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
          },
        });
        try {
          await body({ home, daemon });
        } catch (error) {
          console.error(`--- log of the daemon\n${daemon.log()}\n---`);
          throw error;
        }
      } finally {
        await Deno.remove(home, { recursive: true });
      }
    },
  });
}

async function start(daemon: DaemonFixture): Promise<void> {
  const { code, stderr } = await daemon.cli("mcp", "--start-server");
  equal(code, 0, stderr);
}

/** The environment that the server was started with. */
async function environmentOf(
  daemon: DaemonFixture,
  server: string,
): Promise<Record<string, string>> {
  const session = await McpSession.begin({ url: daemon.url, server });
  return JSON.parse(await session.tell("environment"));
}

/** A program of the user's own that is a server, in a folder that only the login shell's PATH names. */
function installServer(home: string): void {
  const { command, args } = misbehaving();
  Deno.mkdirSync(join(home, "bin"));
  const line = [command, ...args].map((word) => `'${word}'`).join(" ");
  Deno.writeTextFileSync(join(home, "bin", "my-server"), `#!/bin/sh\nexec ${line}\n`, {
    mode: 0o755,
  });
}

userTest(
  "a server that only the login shell's PATH finds is found, and its chatter is no part of it",
  {
    profile: `echo "Welcome back"
      export PATH="$HOME/bin:$PATH" LANG=de_DE.UTF-8 SECRET=s AICHAKU_INSTANCE=somebody
      echo "\${AICHAKU_RESOLVING_ENV:-typed}" >> "$HOME/asked"`,
    mcpServers: { mine: { command: "my-server" }, other: { command: "my-server" } },
  },
  async ({ home, daemon }) => {
    installServer(home);
    await start(daemon);
    const environment = await environmentOf(daemon, "mine");
    match(environment.PATH, new RegExp(`^${home}/bin:`));
    equal(environment.LANG, "de_DE.UTF-8");
    equal(environment.SECRET, undefined, "only what programs need reaches a server unnamed");
    equal(environment.AICHAKU_INSTANCE, daemon.instanceId);
    equal(environment.AICHAKU_RESOLVING_ENV, undefined);
    await environmentOf(daemon, "other");
    equal(await Deno.readTextFile(join(home, "asked")), "1\n", "asked more than once");
  },
);

userTest(
  "a variable that only the login shell knows is filled in; one set for the start counts more",
  {
    profile: `export TOKEN=of-the-shell CHOICE=of-the-shell`,
    mcpServers: {
      mine: {
        ...misbehaving(),
        env: { A: "${TOKEN}", B: "${CHOICE}", C: "${TOKEN:-none}", PATH: "/mine:${PATH}" },
      },
    },
  },
  async ({ daemon }) => {
    const { code, stderr } = await daemon.command(["mcp", "--start-server"], {
      env: { CHOICE: "of-the-start" },
    }).output();
    equal(code, 0, new TextDecoder().decode(stderr));
    await eventually(
      () => /the login shell told its variables/.test(daemon.log()) || undefined,
      "the reload",
    );
    const { A, B, C, PATH } = await environmentOf(daemon, "mine");
    equal(A, "of-the-shell");
    equal(B, "of-the-start");
    equal(C, "of-the-shell");
    // The login shell's folders come first, those of the desktop's PATH are among them.
    match(PATH, /^\/mine:\/usr\/local\/.*\/usr\/bin/);
  },
);

userTest(
  "a login shell that hangs holds up neither the start nor what needs none of it, and ends with the daemon",
  {
    profile: `echo $$ > "$HOME/hanging"; exec sleep 600`,
    mcpServers: { mine: misbehaving() },
  },
  async ({ home, daemon }) => {
    await start(daemon);
    const pid = await eventually(
      async () =>
        Number(await Deno.readTextFile(join(home, "hanging")).catch(() => "")) || undefined,
      "the shell",
    );
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    equal((await daemon.rpc("reviewer", list)).status, 200);
    equal(processStartTime(pid) !== null, true, "the reviewer waited for the shell");
    equal((await daemon.cli("mcp", "--stop-server")).code, 0);
    equal(processStartTime(pid), null);
  },
);

userTest(
  "a login shell that fails: servers start with the daemon's own environment, and the log says why",
  {
    profile: `exit 3`,
    mcpServers: { mine: misbehaving() },
  },
  async ({ daemon }) => {
    await start(daemon);
    const { PATH } = await environmentOf(daemon, "mine");
    equal(PATH, DESKTOP_PATH);
    match(
      daemon.log(),
      /daemon's own environment reason="\/bin\/bash exited with code 3 and printed no variables"/,
    );
  },
);

userTest(
  "a login shell that the configuration says not to ask is left alone",
  {
    profile: `touch "$HOME/asked"; export PATH="$HOME/bin:$PATH"`,
    server: { loginShell: false },
    mcpServers: { mine: misbehaving() },
  },
  async ({ home, daemon }) => {
    await start(daemon);
    const { PATH } = await environmentOf(daemon, "mine");
    equal(PATH, DESKTOP_PATH);
    equal((await Array.fromAsync(Deno.readDir(home))).some(({ name }) => name === "asked"), false);
  },
);
