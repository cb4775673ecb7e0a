/**
 * From what an instance is made for to the instance: how the server is reached, and within what bounds.
 *
 * @module
 */

import { Fault } from "../../protocol/errors.ts";
import type { BuiltinEntry, Limits, ServerEntry } from "../config/types.ts";
import { childEnvironment } from "./child_environment.ts";
import type { KnownEra } from "./handshake.ts";
import { type ConnectInProcess, openInProcessWire } from "./in_process_wire.ts";
import { Instance, type InstanceListener, type InstanceOptions } from "./instance.ts";
import type { InstanceSpec } from "./instance_key.ts";
import { openRemoteWire } from "./remote/open_remote_wire.ts";
import { openStdioWire } from "./stdio_wire.ts";
import type { OpenWire } from "./wire.ts";

/** Options of {@linkcode createInstance}; what is not in an entry of the configuration. */
export interface InstanceContext
  extends Pick<InstanceOptions, "clock" | "random" | "log" | "version" | "prepare"> {
  /** What may change while the daemon runs. */
  limits(): Pick<Limits, "maxCallsPerServer" | "maxCallsPerSession">;
  /** Connects a built-in server inside this process. */
  connectBuiltin(name: BuiltinEntry["builtin"], project: string | undefined): ConnectInProcess;
  /** Takes note of children, so that none outlives the daemon. */
  children: { add(pid: number, server: string): void; remove(pid: number): void };
  /** Which era a server is known to speak. */
  eras: {
    of(entry: ServerEntry): KnownEra | undefined;
    learn(entry: ServerEntry, era: KnownEra): void;
  };
  /** The environment that children are given a part of. Asked for each time one is started. */
  inherited(): Readonly<Record<string, string | undefined>>;
  /** Name of this run of the daemon; marks its children. */
  instanceId: string;
  /** Where children run that name no folder. */
  homeFolder: string;
  /** Longest message from a server, characters. */
  maxServerMessageBytes: number;
  /** Most that may wait for a server to read it, characters. */
  maxOwed: number;
  /** Most that calls may weigh that wait for one server, about characters. */
  maxQueued: number;
}

/** Milliseconds after which a process that one session has for itself is ended when the session rests. */
const OWN_IDLE_MS = 30 * 60_000;

/** The instance for `spec`. Nothing is started. */
export function createInstance(
  spec: InstanceSpec,
  { listener, ...context }: InstanceContext & { listener: InstanceListener },
): Instance {
  const { clock, random, log, version, prepare } = context;
  const { entry, capabilities, own } = spec;
  return new Instance({
    name: entry.name,
    open: openFor(spec, context),
    prepare: entry.kind === "stdio" ? prepare : undefined,
    listener,
    clock,
    random,
    log,
    version,
    capabilities,
    knownEra: () => context.eras.of(entry),
    onEra: (era) => context.eras.learn(entry, era),
    get maxCalls() {
      return entry.sharing.mode === "serial" ? 1 : context.limits().maxCallsPerServer;
    },
    get maxCallsPerOwner() {
      return context.limits().maxCallsPerSession;
    },
    maxQueued: context.maxQueued,
    startTimeoutMs: entry.startTimeoutMs,
    callTimeoutMs: entry.callTimeoutMs,
    idleTimeoutMs: own === undefined ? entry.idleTimeoutMs : OWN_IDLE_MS,
  });
}

/** How the server of an entry is reached. */
function openFor({ entry, project }: InstanceSpec, context: InstanceContext): OpenWire {
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
    case "builtin":
      return (events) =>
        openInProcessWire({
          connect: context.connectBuiltin(entry.builtin, project),
          maxLineLength: context.maxServerMessageBytes,
          maxOwed: context.maxOwed,
          onError: (message) => context.log.warn(message, { server: entry.name }),
        }, events);
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
        inherited: context.inherited(),
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
