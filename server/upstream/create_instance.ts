/**
 * From an entry of the configuration to an instance: how the server is reached, and within what bounds.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { ServerEntry } from "../config/types.ts";
import { childEnvironment } from "./child_environment.ts";
import { Instance, type InstanceOptions } from "./instance.ts";
import { openRemoteWire } from "./remote/open_remote_wire.ts";
import { openStdioWire } from "./stdio_wire.ts";
import type { OpenWire } from "./wire.ts";

/** Options of {@linkcode createInstance}; what is not in an entry of the configuration. */
export interface InstanceContext extends
  Pick<
    InstanceOptions,
    "listener" | "clock" | "random" | "log" | "version" | "maxCalls" | "maxCallsPerOwner"
  > {
  /** Takes note of children, so that none outlives the daemon. */
  children: { add(pid: number, server: string): void; remove(pid: number): void };
  /** The daemon's own environment. */
  inherited: Readonly<Record<string, string | undefined>>;
  /** Name of this run of the daemon; marks its children. */
  instanceId: string;
  /** Where children run that name no folder. */
  homeFolder: string;
  /** How to run this program, for built-in servers. */
  selfCommand: {
    command: string;
    args: readonly string[];
    env: Readonly<Record<string, string>>;
  };
  /** Longest message from a server, characters. */
  maxServerMessageBytes: number;
  /** Most that may wait for a server to read it, characters. */
  maxOwed: number;
}

/** The instance of a configured server. Nothing is started. */
export function createInstance(entry: ServerEntry, context: InstanceContext): Instance {
  const { listener, clock, random, log, version, maxCalls, maxCallsPerOwner } = context;
  return new Instance({
    name: entry.name,
    open: openFor(entry, context),
    listener,
    clock,
    random,
    log,
    version,
    maxCalls,
    maxCallsPerOwner,
    startTimeoutMs: entry.startTimeoutMs,
    callTimeoutMs: entry.callTimeoutMs,
  });
}

/** How the server of an entry is reached. */
function openFor(entry: ServerEntry, context: InstanceContext): OpenWire {
  switch (entry.kind) {
    case "stdio":
      if (entry.usesProject) {
        return () => {
          throw new Fault(
            "invalid_params",
            `Cannot start server ${JSON.stringify(entry.name)}: it needs a project, and none is ` +
              `given; name its folder with ?project=`,
            { server: entry.name },
          );
        };
      }
      return openChild({
        name: entry.name,
        command: entry.command,
        args: entry.args,
        env: entry.env,
        cwd: entry.cwd,
      }, context);
    case "builtin": {
      const { command, args, env } = context.selfCommand;
      return openChild({
        name: entry.name,
        command,
        args: [...args, "mcp", "--serve-builtin", entry.builtin],
        env,
        cwd: undefined,
      }, context);
    }
    case "remote":
      return openRemoteWire(entry, context);
    case "broken":
      return () => {
        throw new Fault(
          "upstream_unavailable",
          `Cannot start server ${JSON.stringify(entry.name)}: ${entry.problem}`,
          { server: entry.name, retryable: false },
        );
      };
  }
}

interface Child {
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string | undefined;
}

function openChild({ name, command, args, env, cwd }: Child, context: InstanceContext): OpenWire {
  return (events) =>
    openStdioWire({
      server: name,
      command,
      args,
      env: childEnvironment({
        inherited: context.inherited,
        entry: env,
        instanceId: context.instanceId,
      }),
      cwd: cwd ?? context.homeFolder,
      maxLineLength: context.maxServerMessageBytes,
      maxOwed: context.maxOwed,
      onSpawn: (pid) => context.children.add(pid, name),
      onExit: (pid) => context.children.remove(pid),
      onStderr: (line) => context.log.info(line, { server: name, stream: "stderr" }),
    }, events);
}
