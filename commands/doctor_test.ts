import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "@std/path";
import { INSTANCE_MARK } from "../platform/marked_processes.ts";
import { machineId } from "../platform/machine_id.ts";
import { type HomePaths, homePaths } from "../platform/paths.ts";
import { processStartTime } from "../platform/process.ts";
import { tryLock } from "../server/daemon/lock.ts";
import type { CommandContext } from "./context.ts";
import { runDoctor } from "./doctor.ts";
import { checkHome } from "./doctor/installation.ts";
import type { Finding } from "./doctor/finding.ts";

const onUnix = Deno.build.os !== "windows";

interface World {
  paths: HomePaths;
  env: CommandContext["env"];
  /** Runs `aichaku doctor --json ARGS…`. */
  doctor(...args: string[]): Promise<Seen>;
}

interface Seen {
  code: number;
  /** What is not as it should be, as `level area: text → remedy`. */
  wrong: string[];
  // deno-lint-ignore no-explicit-any -- the whole JSON, as a program reads it
  json: any;
}

/** A home as the first start leaves it, and no daemon. */
async function withHome(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const paths = homePaths(join(folder, "home"), machineId());
  let written = "";
  const context: CommandContext = {
    stdout: (text) => void (written += text),
    stderr: (text) => {
      throw new Error(`unexpected on stderr: ${text}`);
    },
    isTerminal: false,
    isErrorTerminal: false,
    noColor: true,
    cwd: folder,
    self: { command: "aichaku", args: [] },
    env: {
      home: paths.home,
      userHome: folder,
      // Any: the check of a port has its own test.
      port: "0",
      config: undefined,
      token: undefined,
      bin: undefined,
      autostart: false,
      variables: () => ({ PATH: "/bin:/usr/bin" }),
    },
  };
  try {
    Deno.mkdirSync(paths.runDir, { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(paths.tokenFile, "a-token-0123456789\n", { mode: 0o600 });
    Deno.writeTextFileSync(paths.daemonLock, "", { mode: 0o600 });
    await test({
      paths,
      env: context.env,
      async doctor(...args) {
        written = "";
        const code = await runDoctor(["--json", ...args], context);
        const json = JSON.parse(written);
        const wrong = (json.findings as Finding[])
          .filter(({ level }) => level !== "ok")
          .map(({ level, area, text, remedy }) =>
            `${level} ${area}: ${text}${remedy === undefined ? "" : ` → ${remedy}`}`
          );
        return { code, wrong, json };
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What `daemon.json` says of a daemon that was killed. */
function announceDead({ daemonJson }: HomePaths, instanceId: string): void {
  Deno.writeTextFileSync(
    daemonJson,
    JSON.stringify({
      url: "http://127.0.0.1:1",
      socket: null,
      pid: 1,
      startTime: 1,
      instanceId,
      version: "0.1.0",
      protocol: { min: 1, max: 1 },
      logPath: "/log",
    }),
  );
}

Deno.test("doctor finds nothing wrong with a sound home, and leaves it as it is", () =>
  withHome(async ({ paths, doctor }) => {
    const { code, wrong, json } = await doctor();
    deepEqual([code, wrong, json.ok], [0, [], true]);
    const left = [...Deno.readDirSync(paths.runDir), ...Deno.readDirSync(paths.home)];
    deepEqual(left.map(({ name }) => name).sort(), ["daemon.lock", "run", "token"]);
  }));

/** What is done to a home, and what doctor says: a problem makes it fail, a warning does not. */
const FAULTS: [name: string, spoil: (paths: HomePaths) => void, says: RegExp[]][] = [
  [
    "a home that others can change",
    ({ home }) => Deno.chmodSync(home, 0o775),
    [/^problem home: .* has mode 0775, so that other users can change .* → Run: chmod go-w '.*'$/],
  ],
  [
    "a run folder that others can enter, and then nothing in it is believed",
    ({ runDir, tokenFile }) => {
      Deno.chmodSync(runDir, 0o770);
      Deno.writeTextFileSync(tokenFile, "");
    },
    [/^problem run folder: .*its mode is 0770.*chmod 700/],
  ],
  [
    "a token that others can read",
    ({ tokenFile }) => Deno.chmodSync(tokenFile, 0o644),
    [/^problem token: .* has mode 0644, so that others can read it → Delete it/],
  ],
  [
    "a token that is empty",
    ({ tokenFile }) => Deno.writeTextFileSync(tokenFile, ""),
    [/^warning token: .* holds no usable token → The next start makes a new one\.$/],
  ],
  [
    "a folder where the token belongs",
    ({ tokenFile }) => {
      Deno.removeSync(tokenFile);
      Deno.mkdirSync(tokenFile, { mode: 0o700 });
    },
    [/^problem token: Cannot read the token: .*A folder stands where a file belongs/],
  ],
  [
    "a configuration that is not JSON",
    ({ configFile }) => Deno.writeTextFileSync(configFile, `{"server": }`),
    [/^problem configuration: .*config\.json:1:12: /],
  ],
  [
    "a key that nobody knows",
    ({ configFile }) => Deno.writeTextFileSync(configFile, `{"servr": {}}`),
    [/^warning configuration: .*"servr" is not known/],
  ],
  [
    "servers that cannot be started: a variable, a command, a folder is missing",
    ({ configFile }) =>
      Deno.writeTextFileSync(
        configFile,
        JSON.stringify({
          mcpServers: {
            variable: { command: "sh", args: ["${SURELY_NOT_SET}"] },
            command: { command: "surely-no-such-program" },
            path: { command: "/etc/passwd" },
            folder: { command: "sh", cwd: "/surely/no/such/folder" },
            sound: { command: "sh" },
          },
        }),
      ),
    [
      /^problem configuration: server variable: .*SURELY_NOT_SET/,
      /^problem configuration: server command: its command "surely-no-such-program" cannot be found on the PATH → Install it/,
      /^problem configuration: server path: its command "\/etc\/passwd" is no program that can be run → Correct/,
      /^problem configuration: server folder: its folder \/surely\/no\/such\/folder does not exist → /,
    ],
  ],
  [
    "a log that is not rotated",
    ({ logFile }) => {
      Deno.writeTextFileSync(logFile, "");
      Deno.truncateSync(logFile, 10_000_001);
    },
    [/^problem log: .*10\.0 MB.*: it is not rotated → Empty it: /],
  ],
  [
    "a folder where the log belongs",
    ({ logFile }) => Deno.mkdirSync(logFile),
    [/^problem log: .* is not a file, .* → Move it away/],
  ],
  [
    "what a killed daemon leaves in the run folder",
    (paths) => {
      announceDead(paths, "dead");
      Deno.writeTextFileSync(`${paths.tokenFile}.1.abc.tmp`, "");
      Deno.writeTextFileSync(`${paths.sessionsDb}.damaged`, "");
    },
    [
      /^warning files: .*daemon\.json was left behind by a daemon that was killed → /,
      /^warning files: a file in .* \(such as token\.1\.abc\.tmp\) never became/,
      /^warning files: .*sessions\.db\.damaged was put aside/,
    ],
  ],
];

for (const [name, spoil, says] of FAULTS) {
  Deno.test({
    name: `doctor names ${name}`,
    ignore: !onUnix,
    fn: () =>
      withHome(async ({ paths, doctor }) => {
        spoil(paths);
        const { code, wrong } = await doctor();
        equal(wrong.length, says.length, wrong.join("\n"));
        for (const [index, text] of says.entries()) match(wrong[index], text);
        equal(code, says.some(({ source }) => source.startsWith("^problem")) ? 1 : 0);
      }),
  });
}

Deno.test("doctor names a folder in which the home cannot be made, before a start fails there", () =>
  withHome((world) => {
    const paths = { ...world.paths, home: join(world.paths.home, "not", "yet") };
    const asked: string[] = [];
    const deny = (folder: string) => (asked.push(folder), false);
    const { level, text } = checkHome(paths, { canWriteIn: deny });
    equal(level, "problem");
    match(text, /not\/yet does not exist, and cannot be made: you cannot write in .*\/home$/);
    deepEqual(asked, [world.paths.home]);
    equal(checkHome(paths).level, "ok");
    return Promise.resolve();
  }));

Deno.test("doctor names who has the port of a daemon that does not run", () =>
  withHome(async ({ paths, doctor, env }) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const closing = (async () => {
      for await (const connection of listener) connection.close();
    })();
    Deno.writeTextFileSync(paths.configFile, JSON.stringify({ server: { port } }));
    equal((await doctor()).code, 0, "AICHAKU_PORT counts more than the configuration");
    env.port = undefined;
    const { code, wrong } = await doctor();
    equal(code, 1);
    match(
      wrong.join(),
      new RegExp(`^problem daemon: its port 127\\.0\\.0\\.1:${port} is in use by`),
    );
    listener.close();
    await closing.catch(() => {}); // The accept loop ends with BadResource when the listener closes.
  }));

Deno.test({
  name: "doctor --reap ends what carries a dead daemon's mark, says so, and nothing else",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withHome(async ({ paths, doctor }) => {
      const instanceId = crypto.randomUUID();
      await using sleepers = new AsyncDisposableStack();
      // As the daemon starts its servers: each the leader of a group of its own.
      const sleeper = (mark: string) => {
        const env = { [INSTANCE_MARK]: mark };
        const child = new Deno.Command("sleep", { args: ["1000"], env, detached: true }).spawn();
        sleepers.defer(async () => {
          if (processStartTime(child.pid) !== null) child.kill("SIGKILL");
          await child.status;
        });
        return child;
      };
      const left = sleeper(instanceId);
      const journaled = sleeper("its mark was lost");
      const stranger = sleeper(crypto.randomUUID());
      announceDead(paths, instanceId);
      Deno.writeTextFileSync(
        paths.childrenJson,
        JSON.stringify({
          instanceId,
          children: [
            { pid: journaled.pid, startTime: processStartTime(journaled.pid), server: "docs" },
            { pid: stranger.pid, startTime: 1, server: "recycled" },
          ],
        }),
      );

      const before = await doctor();
      equal(before.code, 1);
      match(before.wrong.join("\n"), new RegExp(`process ${left.pid} was left behind`));
      match(before.wrong.join("\n"), new RegExp(`process ${journaled.pid} \\(server docs\\)`));
      {
        using _daemon = tryLock(paths.daemonLock)!;
        Deno.removeSync(paths.daemonJson); // It has not announced itself yet: no need to wait for it.
        Deno.mkdirSync(paths.daemonJson);
        const { json } = await doctor("--reap");
        match(json.reap.refused, /a daemon holds its lock/);
        deepEqual(json.reap.ended, []);
        Deno.removeSync(paths.daemonJson);
        announceDead(paths, instanceId);
      }
      const { code, wrong, json } = await doctor("--reap");
      deepEqual([code, wrong], [0, []]);
      deepEqual(
        json.reap.ended.map(({ pid, server }: { pid: number; server?: string }) => [pid, server]),
        [[journaled.pid, "docs"], [left.pid, undefined]],
      );
      deepEqual(json.reap.removed, [paths.daemonJson]);
      equal((await left.status).signal, "SIGKILL");
      equal((await journaled.status).signal, "SIGKILL");
      equal(processStartTime(stranger.pid) === null, false, "somebody else's process was ended");
      deepEqual((await doctor("--reap")).json.reap.ended, []);
    }),
});

Deno.test("doctor --reap makes no folder where there never was a daemon", () =>
  withHome(async ({ paths, doctor }) => {
    Deno.removeSync(paths.home, { recursive: true });
    equal((await doctor("--reap")).code, 0);
    equal([...Deno.readDirSync(join(paths.home, ".."))].length, 0);
  }));
