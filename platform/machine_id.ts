/**
 * A short name for this machine, the same for every program and every login on it, so that machines
 * that share a home folder do not take each other's daemon for their own.
 *
 * It names a folder; it is not a secret and not an authentication. The hash only keeps the system's own
 * identifier out of paths and logs. Containers made from one image may share an identifier; they do not
 * usually share a home.
 *
 * Runs on Deno, Node and Bun; on the latter two with {@linkcode nodeMachineFacts}. `node:child_process` is
 * loaded only where the identifier is not a file (macOS, Windows): importing it costs milliseconds at
 * every start.
 *
 * @module
 */

import { deno, nodesProcess, platformName } from "./runtime.ts";

/** How the machine is asked. */
export interface MachineFacts {
  /** In Node's words: `linux`, `darwin`, `win32` … */
  platform: string;
  /** Text of a file; throws when it cannot be read. */
  readText(path: string): string;
  /** Standard output of a program; throws when it fails or takes longer than 5 s. */
  run(command: string, args: string[]): string;
  /** Host name: the last resort, because it changes with networks. */
  hostname(): string;
}

function denoFacts(): MachineFacts {
  if (deno === undefined) throw new Error("Cannot ask this machine for its name: await its facts");
  const { readTextFileSync, hostname } = deno;
  return { platform: platformName(), readText: readTextFileSync, run, hostname };
}

/** The facts where there is no Deno. */
export async function nodeMachineFacts(): Promise<MachineFacts> {
  const [{ readFileSync }, { hostname }] = await Promise.all([
    import("node:fs"),
    import("node:os"),
  ]);
  return {
    platform: platformName(),
    readText: (path) => readFileSync(path, "utf8"),
    run,
    hostname,
  };
}

function run(command: string, args: string[]): string {
  const { execFileSync } = nodesProcess().getBuiltinModule("node:child_process");
  return execFileSync(command, args, {
    encoding: "utf8",
    timeout: 5_000,
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  });
}

/**
 * 16 lower-case hexadecimal digits that name this machine.
 *
 * Sources, in this order: the machine-id file (Linux, BSD), the platform UUID (macOS), the registry's
 * MachineGuid (Windows), the host name. Never throws.
 */
export function machineId(facts: MachineFacts = denoFacts()): string {
  return fnv1a64(identifier(facts) ?? `host:${facts.hostname().toLowerCase()}`);
}

function identifier(facts: MachineFacts): string | undefined {
  try {
    switch (facts.platform) {
      case "darwin":
        return /"IOPlatformUUID"\s*=\s*"([0-9A-Fa-f-]{8,})"/
          .exec(facts.run("/usr/sbin/ioreg", ["-rd1", "-c", "IOPlatformExpertDevice"]))?.[1]
          ?.toLowerCase();
      case "win32":
        return /MachineGuid\s+REG_SZ\s+([0-9A-Fa-f-]{8,})/
          .exec(
            facts.run("reg.exe", [
              "query",
              "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography",
              "/v",
              "MachineGuid",
            ]),
          )?.[1]?.toLowerCase();
      default:
        return machineIdFile(facts);
    }
  } catch {
    // The program is missing or may not be run here: the host name is the documented last resort.
    return undefined;
  }
}

function machineIdFile(facts: MachineFacts): string | undefined {
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"]) {
    try {
      // systemd writes "uninitialized" during the first boot, and images ship the file empty.
      const text = facts.readText(path).trim().toLowerCase();
      if (/^[0-9a-f-]{8,}$/.test(text)) return text;
    } catch {
      // Not on this system: try the next place.
    }
  }
  return undefined;
}

/** FNV-1a, 64 bit. `node:crypto` would do, at 16 ms of every start. */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(`aichaku-machine:${text}`)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
