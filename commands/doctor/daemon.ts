/**
 * The daemon: running, stopped, hung, of another version; and who has its port when it does not run.
 *
 * @module
 */

import { VERSION } from "../../protocol/version.ts";
import type { ConfigurationStatus } from "../../server/daemon/app.ts";
import {
  find,
  hungProblem,
  type LookOptions,
  type RunningDaemon,
  type Sighting,
} from "../../server/daemon/find.ts";
import { speaksWith } from "../../server/daemon/launch.ts";
import { dialAddress, occupantHealth } from "../../server/daemon/listen.ts";
import { askForReport, type ServerLine } from "../mcp/daemon_report.ts";
import { broken, type Finding, fine, problem, warning } from "./finding.ts";
import { checkServers } from "./servers.ts";

const RESTART = "Run: aichaku mcp --restart-server";

/** Looks for the daemon. */
export async function checkDaemon(
  where: LookOptions,
): Promise<{ findings: Finding[]; sighting: Sighting | undefined }> {
  let sighting: Sighting;
  try {
    sighting = await find(where);
  } catch (error) {
    return { findings: [broken("daemon", error)], sighting: undefined };
  }
  const findings = describe(sighting);
  if (sighting.kind === "running") findings.push(...await checkItsReport(sighting));
  return { findings, sighting };
}

/**
 * Whether what runs is what the file says, and whether its servers could be started. That the file can be
 * used is another check's business.
 */
async function checkItsReport(daemon: RunningDaemon): Promise<Finding[]> {
  let configuration: ConfigurationStatus | undefined;
  let servers: ServerLine[];
  try {
    ({ configuration, servers } = await askForReport(daemon));
  } catch (error) {
    return [broken("daemon", error)];
  }
  const { file, problem: why, restart = [] } = configuration ?? {};
  const findings: Finding[] = [];
  if (why !== undefined) {
    findings.push(problem(
      "daemon",
      `what it runs is older than ${file}, which it cannot use: ${why.split("\n")[0]}`,
      "Mend the file: it is read again when it is saved",
    ));
  }
  if (restart.length > 0) {
    findings.push(
      warning("daemon", `${restart.join(", ")}: changed, and not yet in effect`, RESTART),
    );
  }
  findings.push(...checkServers(servers));
  return findings;
}

function describe(sighting: Sighting): Finding[] {
  if (sighting.kind === "silent") return [broken("daemon", hungProblem(sighting))];
  if (sighting.kind === "stopped") {
    return [fine("daemon", "not running; to start it: aichaku mcp --start-server")];
  }
  const { announcement: { url }, health: { version, pid, sessions, status } } = sighting;
  const findings = [fine(
    "daemon",
    `version ${version} runs at ${url} (process ${pid}, active sessions: ${sessions}` +
      `${status === "ok" ? "" : `, ${status}`})`,
  )];
  if (!speaksWith(sighting, {})) {
    findings.push(problem(
      "daemon",
      `its version ${version} and this program's ${VERSION} do not understand each other`,
      RESTART,
    ));
  } else if (version !== VERSION) {
    findings.push(
      warning("daemon", `its version is ${version}, and this program's ${VERSION}`, RESTART),
    );
  }
  return findings;
}

/** Whether the port of a daemon that does not run is free. Takes it for no moment. */
export async function checkPort(
  { host, port }: { host: string; port: number },
): Promise<Finding[]> {
  if (port === 0) return [];
  const address = dialAddress(host === "localhost" ? "127.0.0.1" : host, port);
  const hostname = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  if (!await answers(hostname, port)) return [];
  const health = await occupantHealth(address);
  const who = health === undefined
    ? "another program"
    : `an aichaku daemon of another home (process ${health.pid})`;
  return [problem(
    "daemon",
    `its port ${address} is in use by ${who}`,
    `End that program, or choose another port with "server": {"port": N} in the configuration.`,
  )];
}

async function answers(hostname: string, port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname, port });
    connection.close();
    return true;
  } catch {
    return false; // Refused, or no such address here: nobody is there.
  }
}
