import { equal, match, notEqual } from "node:assert/strict";
import { type MachineFacts, machineId } from "./machine_id.ts";

function facts(changes: Partial<MachineFacts>): MachineFacts {
  return {
    platform: "linux",
    readText(path) {
      throw new Error(`no file ${path}`);
    },
    run(command) {
      throw new Error(`no program ${command}`);
    },
    hostname: () => "Laptop",
    ...changes,
  };
}

Deno.test("this machine has one name, usable as a folder", () => {
  match(machineId(), /^[0-9a-f]{16}$/);
  equal(machineId(), machineId());
});

Deno.test("Linux: the machine-id file names the machine, whatever the host is called", () => {
  const readText = (path: string) => {
    if (path === "/etc/machine-id") return "3d1219c7c4c5404aaa1f6d2a48adfda4\n";
    throw new Error("no");
  };
  equal(machineId(facts({ readText })), machineId(facts({ readText, hostname: () => "other" })));
  notEqual(machineId(facts({ readText })), machineId(facts({})));
});

Deno.test("Linux: an uninitialized machine-id is passed over for the next file", () => {
  const other = "aaaabbbbccccddddeeeeffff00001111";
  const readText = (path: string) => path.startsWith("/etc/") ? "uninitialized\n" : other;
  equal(machineId(facts({ readText })), machineId(facts({ readText: () => other })));
});

Deno.test("macOS: the platform UUID names the machine", () => {
  const run = () => `  "IOPlatformUUID" = "0A1B2C3D-1111-2222-3333-444455556666"\n`;
  const name = machineId(facts({ platform: "darwin", run }));
  equal(name, machineId(facts({ platform: "darwin", run, hostname: () => "other" })));
  notEqual(name, machineId(facts({ platform: "darwin" })));
});

Deno.test("Windows: the registry's MachineGuid names the machine", () => {
  const run = () => "\r\n    MachineGuid    REG_SZ    0a1b2c3d-1111-2222-3333-444455556666\r\n";
  const name = machineId(facts({ platform: "win32", run }));
  equal(name, machineId(facts({ platform: "win32", run, hostname: () => "other" })));
  notEqual(name, machineId(facts({ platform: "win32" })));
});

Deno.test("without any identifier the host name decides, in any case of letters", () => {
  equal(machineId(facts({})), machineId(facts({ hostname: () => "LAPTOP" })));
  notEqual(machineId(facts({})), machineId(facts({ hostname: () => "desktop" })));
});
