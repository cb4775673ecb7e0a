import { deepEqual } from "node:assert/strict";
import type { ReadAnnouncement } from "../../server/daemon/announce.ts";
import { differences } from "./differences.ts";

const running: ReadAnnouncement = {
  url: "http://127.0.0.1:40123",
  socket: null,
  tcp: null,
  pid: 2006,
  startTime: 1,
  instanceId: "i-1",
  version: "0.1.0",
  protocol: { min: 1, max: 1 },
  logPath: "/log",
  settings: {
    host: "127.0.0.1",
    port: 0,
    config: "/home/ada/.aichaku/config.json",
    explicit: ["port"],
    requireToken: false,
    autostarted: false,
  },
};

Deno.test("asking for what the daemon has is no difference", () => {
  for (
    const given of [
      {},
      { port: 0 },
      { port: 40123 },
      { host: "127.0.0.1" },
      { config: "/home/ada/.aichaku/config.json" },
    ]
  ) deepEqual(differences(given, running), []);
});

Deno.test("what it does not have is named", () => {
  deepEqual(differences({ host: "::1", port: 7182, config: "/x.json" }, running), [
    "--host ::1",
    "--port 7182",
    "--config /x.json",
  ]);
});

Deno.test("what another version did not announce is not guessed", () => {
  const silent = { ...running, settings: undefined };
  deepEqual(differences({ host: "::1", config: "/x.json" }, silent), []);
});
