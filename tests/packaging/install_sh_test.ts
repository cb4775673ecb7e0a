/**
 * `packaging/install.sh` against a server with a release: what it installs, and what it refuses. With
 * the binary that `AICHAKU_TEST_BIN` names, else with a script in its place.
 */

import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { VERSION } from "../../protocol/version.ts";
import { writeRelease } from "../../scripts/lib/release.ts";
import { REPOSITORY } from "../../scripts/lib/project.ts";
import { archiveName, hostTarget } from "../../scripts/lib/targets.ts";
import { within } from "../e2e/support/within.ts";

const INSTALLER = fromFileUrl(new URL("../../packaging/install.sh", import.meta.url));
const ARCHIVE = archiveName(VERSION, hostTarget());
const STAND_IN = `#!/bin/sh\necho "aichaku ${VERSION}"\n`;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A release on a server, and a home to install into. */
interface World {
  release: string;
  installed: string;
  install(args?: string[], env?: Record<string, string>): Promise<Outcome>;
}

function installerTest(name: string, body: (world: World) => Promise<void>): void {
  Deno.test({
    name: `install.sh: ${name}`,
    ignore: Deno.build.os === "windows",
    fn: () => withWorld(body),
  });
}

async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aichaku-install-" });
  const release = join(folder, "release");
  const home = join(folder, "home");
  const temporary = join(folder, "tmp");
  for (const path of [home, temporary]) await Deno.mkdir(path);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => serve(release, new URL(request.url).pathname),
  );
  const releases = `http://127.0.0.1:${server.addr.port}/releases`;
  try {
    await writeRelease([{ target: hostTarget(), path: await program(folder), denoVersion: "0" }], {
      folder: release,
      signal: new AbortController().signal,
    });
    await body({
      release,
      installed: join(home, ".local", "bin", "aichaku"),
      async install(args = [], env = {}) {
        const running = new Deno.Command("/bin/sh", {
          args: [INSTALLER, ...args],
          env: {
            PATH: Deno.env.get("PATH")!,
            HOME: home,
            TMPDIR: temporary,
            AICHAKU_RELEASES: releases,
            ...env,
          },
          clearEnv: true,
          stdin: "null",
        }).output();
        const { code, stdout, stderr } = await within(running, "end of install.sh", 60_000);
        const decoder = new TextDecoder();
        return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
      },
    });
    assert.deepEqual([...Deno.readDirSync(temporary)], [], "it left its temporary files");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function program(folder: string): Promise<string> {
  const binary = Deno.env.get("AICHAKU_TEST_BIN");
  if (binary !== undefined) return binary;
  const path = join(folder, "stand-in");
  await Deno.writeTextFile(path, STAND_IN, { mode: 0o755 });
  return path;
}

async function serve(folder: string, path: string): Promise<Response> {
  const [, name] = new RegExp(
    `^/releases/(?:latest/download|download/v${VERSION})/([^/]+)$`,
  ).exec(path) ?? [];
  if (name === undefined) return new Response("no such release", { status: 404 });
  try {
    return new Response(await Deno.readFile(join(folder, name)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Response("no such file", { status: 404 });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

installerTest("the latest release, for the user alone, with a word about PATH", async (world) => {
  const { code, stdout, stderr } = await world.install();
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^aichaku ${VERSION} is installed: ${world.installed}\n`));
  assert.match(stdout, /not on your PATH yet/);
  const told = await new Deno.Command(world.installed, { args: ["--version"] }).output();
  assert.equal(new TextDecoder().decode(told.stdout), `aichaku ${VERSION}\n`);
});

installerTest(
  "a version that is named, a folder that is named, over an older one",
  async (world) => {
    const to = join(world.release, "..", "bin dir");
    await Deno.mkdir(to);
    await Deno.writeTextFile(join(to, "aichaku"), "older");
    const path = `${Deno.env.get("PATH")}:${to}`;
    const { code, stdout, stderr } = await world.install(["--version", `v${VERSION}`, "--to", to], {
      PATH: path,
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `aichaku ${VERSION} is installed: ${join(to, "aichaku")}\n`);
    assert.deepEqual([...Deno.readDirSync(to)].map(({ name }) => name), ["aichaku"]);
    assert.notEqual((await Deno.stat(join(to, "aichaku"))).size, 5);
  },
);

installerTest("an archive that is not what the checksums say is not installed", async (world) => {
  const archive = await Deno.readFile(join(world.release, ARCHIVE));
  archive[archive.length - 1] ^= 1;
  await Deno.writeFile(join(world.release, ARCHIVE), archive);
  const { code, stderr } = await world.install();
  assert.equal(code, 1);
  assert.match(stderr, /has SHA-256 [0-9a-f]{64} and should have [0-9a-f]{64}; nothing was/);
  assert.equal(await exists(world.installed), false);
});

installerTest("a release without this system, or no release, says so", async (world) => {
  const unknown = await world.install(["--version", "9.9.9"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /cannot download .*v9\.9\.9\/checksums\.txt/);
  await Deno.writeTextFile(
    join(world.release, "checksums.txt"),
    `${"0".repeat(64)}  aichaku-${VERSION}-plan9-x64.tar.gz\n`,
  );
  const other = await world.install();
  assert.equal(other.code, 1);
  assert.match(other.stderr, new RegExp(`names no archive for ${hostTarget()}`));
  assert.equal(await exists(world.installed), false);
});

installerTest("wrong options, and systems there is nothing for, are refused", async (world) => {
  assert.match((await world.install(["--verison"])).stderr, /unknown option --verison/);
  assert.match((await world.install(["--version", "1*"])).stderr, /1\* is no version/);
  const bin = join(world.release, "..", "bin");
  await Deno.mkdir(bin);
  await Deno.writeTextFile(join(bin, "uname"), "#!/bin/sh\necho Plan9\n", { mode: 0o755 });
  const { code, stderr } = await world.install([], { PATH: `${bin}:${Deno.env.get("PATH")}` });
  assert.equal(code, 1);
  assert.match(stderr, /there is no program for Plan9/);
});

Deno.test("both installers take the same releases from the project's own place", async () => {
  const powershell = await Deno.readTextFile(INSTALLER.replace(/sh$/, "ps1"));
  const shell = await Deno.readTextFile(INSTALLER);
  const place = /https:\/\/[^\s"}]+\/releases/;
  assert.equal(place.exec(powershell)?.[0], `${REPOSITORY}/releases`);
  assert.equal(place.exec(shell)?.[0], `${REPOSITORY}/releases`);
  for (const common of ["/latest/download", "/download/v", "checksums.txt", "AICHAKU_RELEASES"]) {
    assert.ok(powershell.includes(common) && shell.includes(common), common);
  }
  assert.match(powershell, /aichaku-\$name-\$target\\\.zip/);
  assert.ok(archiveName(VERSION, "windows-x64").endsWith("-windows-x64.zip"));
});
