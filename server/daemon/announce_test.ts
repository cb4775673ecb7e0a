import { deepEqual, equal } from "node:assert/strict";
import { readIfThere } from "../../platform/atomic_file.ts";
import { homePaths } from "../../platform/paths.ts";
import { publish, type PublishedAnnouncement, readAnnouncement, unpublish } from "./announce.ts";

const announcement: PublishedAnnouncement = {
  url: "http://127.0.0.1:7182",
  socket: null,
  tcp: "127.0.0.1:7183",
  pid: 2006,
  startTime: 812345,
  instanceId: "i-1",
  version: "0.1.0",
  protocol: { min: 1, max: 1 },
  logPath: "/log",
  settings: {
    host: "127.0.0.1",
    port: 0,
    config: "/config.json",
    explicit: ["port"],
    requireToken: false,
    autostarted: false,
  },
};

async function inHome(body: (paths: ReturnType<typeof homePaths>) => void): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    const paths = homePaths(home, "m1");
    Deno.mkdirSync(paths.runDir, { recursive: true });
    body(paths);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("what is published is found, and only its owner can read it", () =>
  inHome((paths) => {
    publish(paths, announcement);
    deepEqual(readAnnouncement(paths), announcement);
    equal(Deno.readTextFileSync(paths.pidFile), "2006\n");
    if (Deno.build.os !== "windows") equal(Deno.statSync(paths.daemonJson).mode! & 0o777, 0o600);
  }));

Deno.test("an announcement with other settings still leads to the daemon", () =>
  inHome((paths) => {
    const { settings: _settings, tcp: _tcp, ...rest } = announcement;
    for (
      const settings of [undefined, 7, { host: "127.0.0.1" }, {
        ...announcement.settings,
        explicit: 1,
      }]
    ) {
      Deno.writeTextFileSync(paths.daemonJson, JSON.stringify({ ...rest, settings }));
      deepEqual(readAnnouncement(paths), { ...rest, tcp: null, settings: undefined });
    }
  }));

Deno.test("rubbish and nothing are no announcement", () =>
  inHome((paths) => {
    equal(readAnnouncement(paths), undefined);
    Deno.writeTextFileSync(paths.daemonJson, "");
    equal(readAnnouncement(paths), undefined);
  }));

Deno.test("a daemon takes back only its own announcement", () =>
  inHome((paths) => {
    publish(paths, { ...announcement, instanceId: "i-2", pid: 2007 });
    unpublish(paths, announcement);
    equal(readAnnouncement(paths)?.instanceId, "i-2");
    equal(readIfThere(paths.pidFile), "2007\n");
    unpublish(paths, { instanceId: "i-2", pid: 2007 });
    equal(readAnnouncement(paths), undefined);
    equal(readIfThere(paths.pidFile), undefined);
    unpublish(paths, { instanceId: "i-2", pid: 2007 });
  }));
