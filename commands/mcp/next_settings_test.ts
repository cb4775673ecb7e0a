import { deepEqual } from "node:assert/strict";
import type { ReadAnnouncement } from "../../server/daemon/announce.ts";
import { nextSettings } from "./next_settings.ts";

const settings = {
  host: "127.0.0.1",
  port: 7182,
  config: "/home/ada/.aichaku/config.json",
  explicit: [],
  requireToken: false,
  autostarted: false,
};
const before: ReadAnnouncement = {
  url: "http://127.0.0.1:40123",
  socket: null,
  tcp: null,
  pid: 2006,
  startTime: 1,
  instanceId: "i-1",
  version: "0.1.0",
  protocol: { min: 1, max: 1 },
  logPath: "/log",
  settings,
};

Deno.test("what came from the configuration is left to the configuration", () => {
  deepEqual(nextSettings(before, {}), {});
  deepEqual(nextSettings(undefined, { port: 1 }), { port: 1 });
  deepEqual(nextSettings({ ...before, settings: undefined }, { port: 1 }), { port: 1 });
});

Deno.test("what was given to the old daemon is given to the new one, unless said otherwise", () => {
  const told = {
    ...before,
    settings: { ...settings, explicit: ["host" as const, "config" as const] },
  };
  deepEqual(nextSettings(told, {}), { host: settings.host, config: settings.config });
  deepEqual(nextSettings(told, { host: "::1", port: 5 }), {
    host: "::1",
    port: 5,
    config: settings.config,
  });
});

Deno.test("a port that the system chose is kept, so that the clients find the new daemon", () => {
  const told = { ...before, settings: { ...settings, port: 0, explicit: ["port" as const] } };
  deepEqual(nextSettings(told, {}), { port: 40123 });
  deepEqual(nextSettings(before, { port: 0 }), { port: 40123 });
});
