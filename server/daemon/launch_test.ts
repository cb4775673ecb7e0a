/**
 * The version handshake, between a program and a daemon that runs in the test's own process: "spawning"
 * runs another one here.
 */

import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { inWorld, TinyApp, type World } from "../../tests/fixtures/tiny_daemon.ts";
import type { DetachedProcess, DetachOptions } from "../../platform/detach.ts";
import { DaemonProblem } from "./problem.ts";
import { find } from "./find.ts";
import { launch, type LaunchOptions } from "./launch.ts";
import { runDaemon } from "./run.ts";

const OLD = { version: "0.0.9", protocol: { min: 1, max: 1 } };
/** This process does not end with the daemon in it: whoever waits for the end goes by the lock. */
const MORTAL = { startTimeOf: () => null };
const NEW = { version: "2.0.0", protocol: { min: 2, max: 3 } };

/** A program of the version {@linkcode NEW}, what it was asked to spawn, and how to end that. */
function newProgram({ options }: World) {
  const spawned: DetachOptions[] = [];
  const app = new TinyApp();
  const ended: Promise<void>[] = [];
  const spawn = (given: DetachOptions): DetachedProcess => {
    spawned.push(given);
    const running = runDaemon({ ...options, ...MORTAL, release: NEW, createApp: app.createApp });
    ended.push(running);
    return {
      pid: Deno.pid,
      status: running.then(() => ({ success: true, code: 0, signal: null })),
      letGo() {},
      kill() {},
    };
  };
  const launchOptions: LaunchOptions = {
    paths: options.paths,
    self: { command: "aichaku", args: ["run"] },
    daemonArgs: (replaced) => ["--for", replaced?.version ?? "nobody"],
    protocol: NEW.protocol,
    spawn,
  };
  return {
    spawned,
    launch: () => launch(launchOptions),
    async end() {
      app.options.requestShutdown("test");
      await Promise.all(ended);
    },
  };
}

async function startOld(world: World) {
  Object.assign(world.options, MORTAL, { release: OLD });
  return await world.start();
}

Deno.test("a daemon whose revisions overlap with the program's is used, whatever its version", () =>
  inWorld(async (world) => {
    world.options.release = { version: "9.9.9", protocol: { min: 1, max: 2 } };
    const { announcement, ended } = await world.start();
    const program = newProgram(world);
    const { daemon, started, replaced } = await program.launch();
    equal(daemon.announcement.instanceId, announcement.instanceId);
    equal(daemon.health.version, "9.9.9");
    deepEqual([started, replaced, program.spawned], [false, undefined, []]);
    world.app.options.requestShutdown("test");
    await ended;
  }));

Deno.test("a daemon of another version that nobody uses is replaced, and its settings are passed on", () =>
  inWorld(async (world) => {
    const old = await startOld(world);
    const program = newProgram(world);
    const { daemon, started, replaced } = await program.launch();
    await old.ended;
    equal(world.app.drained, "POST /shutdown");
    equal(started, true);
    equal(replaced?.instanceId, old.announcement.instanceId);
    notEqual(daemon.announcement.instanceId, old.announcement.instanceId);
    equal(daemon.health.version, NEW.version);
    deepEqual(program.spawned.map(({ args }) => args), [["run", "--for", "0.0.9"]]);
    await program.end();
  }));

Deno.test("a daemon of another version that is in use is left alone, and the command that replaces it is named", () =>
  inWorld(async (world) => {
    const old = await startOld(world);
    world.app.sessions = 2;
    const program = newProgram(world);
    await rejects(program.launch(), (error: Error) => {
      equal(error instanceof DaemonProblem, true);
      equal(
        error.message,
        `Cannot use the daemon that runs (version 0.0.9, process ${Deno.pid}): it and this program ` +
          "do not understand each other, and 2 clients use it. " +
          "To replace it now: aichaku mcp --restart-server",
      );
      return true;
    });
    equal(world.app.drained, undefined);
    deepEqual(program.spawned, []);
    equal((await find({ paths: world.options.paths })).kind, "running");
    world.app.options.requestShutdown("test");
    await old.ended;
  }));

Deno.test("two programs of the new version replace the old daemon by one", () =>
  inWorld(async (world) => {
    const old = await startOld(world);
    const programs = [newProgram(world), newProgram(world)];
    const launched = await Promise.all(programs.map((program) => program.launch()));
    await old.ended;
    equal(new Set(launched.map(({ daemon }) => daemon.announcement.instanceId)).size, 1);
    equal(launched.filter(({ started }) => started).length, 1);
    const winner = programs.find(({ spawned }) => spawned.length > 0);
    await winner?.end();
  }));

Deno.test("a daemon is started without the mark of another one, which it would be ended with", () =>
  inWorld(async (world) => {
    const program = newProgram(world);
    await program.launch();
    deepEqual(program.spawned.map(({ env }) => env), [
      { AICHAKU_HOME: world.options.paths.home, AICHAKU_INSTANCE: "" },
    ]);
    await program.end();
  }));
