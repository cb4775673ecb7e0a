/**
 * What becomes of a call at an instance: most are passed on as they are, between eras through the
 * bridge, and a few are answered here, because the server keeps once what each client has for itself.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { describe } from "../../protocol/message.ts";
import { META } from "../../protocol/modern.ts";
import { SUPPORTED_REVISIONS } from "../../protocol/revisions.ts";
import { callModernServer } from "../bridge/legacy_on_modern.ts";
import { LegacyServer } from "../bridge/modern_on_legacy.ts";
import { UpstreamError } from "../upstream/call.ts";
import { type InitializeResult, isModern } from "../upstream/handshake.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Call } from "./call.ts";
import { honourable, Listeners, readFilter } from "./listeners.ts";
import type { KnownTools } from "./known_tools.ts";
import { checkParamHeaders } from "./param_headers.ts";
import type { StandingNeeds } from "./standing_needs.ts";

/** Options of {@linkcode InstanceCalls}. */
export interface InstanceCallsOptions {
  instance: Instance;
  clock: Clock;
  needs: StandingNeeds;
  tools: KnownTools;
  /** See `LegacyServerOptions`. */
  onParked(): void;
}

type Method = (calls: InstanceCalls, call: Call) => void;

/** Methods of legacy clients that are not simply passed on. */
const LEGACY_METHODS: Readonly<Record<string, Method>> = {
  "ping": (_calls, call) => call.succeed({}),
  "logging/setLevel": (calls, call) => calls.setLogLevel(call),
  "resources/subscribe": (calls, call) => calls.subscribe(call),
  "resources/unsubscribe": (calls, call) => calls.unsubscribe(call),
};

/** Methods of modern clients that are not simply passed on. */
const MODERN_METHODS: Readonly<Record<string, Method>> = {
  "server/discover": (calls, call) => calls.discover(call),
  "subscriptions/listen": (calls, call) => calls.listen(call),
  // What the modern era has no more; a legacy server would take it, for everybody.
  "initialize": refuse,
  "ping": refuse,
  "logging/setLevel": refuse,
  "resources/subscribe": refuse,
  "resources/unsubscribe": refuse,
};

let lastListener = 0;

/** The calls at one instance. */
export class InstanceCalls {
  /** Modern clients that listen. */
  readonly listeners = new Listeners();
  readonly #options: InstanceCallsOptions;
  readonly #legacy: LegacyServer;

  constructor(options: InstanceCallsOptions) {
    this.#options = options;
    this.#legacy = new LegacyServer(options);
  }

  /** Calls of modern clients that wait for these to come back with answers. */
  get parked(): number {
    return this.#legacy.parked;
  }

  /** Whether such a call is known here under this name. */
  holds(requestState: string): boolean {
    return this.#legacy.holds(requestState);
  }

  /** Takes the calls of modern clients back that the server has not had yet. */
  withdrawWaiting(isMeant: (call: Call) => boolean): Call[] {
    // They came from here.
    return this.#legacy.withdrawWaiting((call) => isMeant(call as Call)) as Call[];
  }

  /** Sees to the call: it will be settled exactly once. */
  request(call: Call): void {
    const { instance } = this.#options;
    const { isModern: isModernClient } = call.session;
    const methods = isModernClient ? MODERN_METHODS : LEGACY_METHODS;
    const own = Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
    if (own !== undefined) return own(this, call);
    if (call.method.startsWith("tasks/")) {
      return call.fail(
        new Fault(
          "method_not_found",
          `Cannot do ${JSON.stringify(call.method)}: tasks are not offered by shared servers`,
          { server: instance.name },
        ),
      );
    }
    if (call.params?.task !== undefined) {
      const { task: _, ...params } = call.params;
      call.params = params;
    }
    const { initializeResult } = instance;
    if (initializeResult === undefined) return void this.#requestOnceKnown(call);
    const checked = this.#checkHeaders(call);
    if (checked !== undefined) return void checked.then(() => call.settled || this.#pass(call));
    this.#pass(call);
  }

  /** Gives the call to the server, in the way of its era. */
  #pass(call: Call): void {
    const { instance, clock } = this.#options;
    const isModernClient = call.session.isModern;
    const isModernServer = isModern(instance.initializeResult!);
    if (isModernClient === isModernServer) return call.submitTo(instance);
    if (isModernServer) return void callModernServer(call, { instance, clock });
    if (call.logLevel !== null) this.#hearAll();
    this.#legacy.request(call);
  }

  /** The process is gone: what was parked there is over. */
  onGone(): void {
    this.#legacy.clear();
  }

  /**
   * Arguments that headers repeat must be the same there. Fails the call when they are not. Where the
   * call goes on with such headers of ours, the tools must be known as well.
   *
   * @returns undefined when that is done; a promise while the server's tools are not known yet.
   */
  #checkHeaders(call: Call): Promise<void> | undefined {
    if (call.method !== "tools/call") return undefined;
    if (call.paramHeaders === undefined && !this.#options.instance.mirrorsArguments) {
      return undefined;
    }
    const check = (tools: ReadonlyMap<string, JsonObject>) => {
      const fault = checkParamHeaders(call, tools);
      if (fault !== undefined) call.fail(fault);
    };
    const { tools } = this.#options;
    if (tools.known === undefined) return tools.read().then(check);
    check(tools.known);
    return call.settled ? Promise.resolve() : undefined;
  }

  /** Which era it speaks is found out by starting it. */
  async #requestOnceKnown(call: Call): Promise<void> {
    try {
      await this.#options.instance.ready();
      // It may have been cancelled meanwhile.
      if (!call.settled) this.request(call);
    } catch (error) {
      call.fail(asFault(error));
    }
  }

  // ---- legacy clients

  /** See `LogLevels`. */
  setLogLevel(call: Call): void {
    const { needs, instance } = this.#options;
    const level = call.params?.level;
    if (!needs.noteLevel(call.session.id, level)) {
      return call.fail(
        new Fault("invalid_params", `Unknown log level ${JSON.stringify(level)}`, {
          server: instance.name,
        }),
      );
    }
    call.session.logLevel = level as string;
    call.session.changed();
    relay(call, needs.tellLevel());
  }

  /** See `Subscriptions`. */
  subscribe(call: Call): void {
    const { session, params } = call;
    const uri = params?.uri;
    if (typeof uri !== "string") return call.submitTo(this.#options.instance);
    const subscribed = this.#options.needs.subscribe(session.id, { ...params, uri }, call.owner);
    relay(call, subscribed, () => {
      session.subscribe(uri);
      session.changed();
    });
  }

  /** See `Subscriptions`. */
  unsubscribe(call: Call): void {
    const { session, params } = call;
    const uri = params?.uri;
    if (typeof uri !== "string") return call.submitTo(this.#options.instance);
    if (session.unsubscribe(uri)) session.changed();
    relay(call, this.#options.needs.unsubscribe(session.id, { ...params, uri }, call.owner));
  }

  // ---- modern clients

  /** What the server is, from what it said once. */
  async discover(call: Call): Promise<void> {
    try {
      call.succeed(discoverResult(await this.#options.instance.ready()));
    } catch (error) {
      call.fail(asFault(error));
    }
  }

  /** Tells the client what it asks to hear of, for as long as it is there. */
  async listen(call: Call): Promise<void> {
    const { instance, needs } = this.#options;
    const id = `listener ${++lastListener}`;
    try {
      const { capabilities } = await instance.ready();
      const filter = honourable(readFilter(call.params), capabilities);
      const honoured: string[] = [];
      for (const uri of filter.resourceSubscriptions ?? []) {
        if (call.settled) break;
        try {
          await needs.subscribe(id, { uri }, call.owner);
          honoured.push(uri);
        } catch (error) {
          // One that cannot be had is left out of what the client is told it will hear of.
          if (!(error instanceof UpstreamError || error instanceof Fault)) throw error;
        }
      }
      if (filter.resourceSubscriptions !== undefined) filter.resourceSubscriptions = honoured;
      if (call.settled) return needs.release(id);
      if (instance.life.state === "draining" || instance.life.state === "stopped") {
        throw new Fault("draining", `Server ${JSON.stringify(instance.name)} is being stopped`, {
          server: instance.name,
        });
      }
      this.listeners.add(id, { call, filter }, () => needs.release(id));
    } catch (error) {
      needs.release(id);
      call.fail(asFault(error));
    }
  }

  /** A legacy server speaks at one level to all; each call is then given what it wants of it. */
  #hearAll(): void {
    const { needs, instance } = this.#options;
    if (instance.initializeResult?.capabilities.logging === undefined) return;
    // A server that refuses says less; the call is none the worse.
    needs.hearAll().catch(() => {});
  }
}

/** What a server is, for a modern client, from what it said of itself. */
export function discoverResult({ capabilities, serverInfo, instructions }: InitializeResult) {
  const { tasks: _, ...offered } = capabilities;
  return {
    supportedVersions: SUPPORTED_REVISIONS,
    capabilities: offered,
    ...(instructions === undefined ? {} : { instructions }),
    _meta: { [META.serverInfo]: serverInfo },
  };
}

function refuse(_calls: InstanceCalls, call: Call): void {
  call.fail(
    new Fault(
      "method_not_found",
      `No method ${describe(call.method)} in revision ${call.protocolVersion}`,
    ),
  );
}

/** Gives a call the outcome of what was done for it. */
async function relay(
  call: Call,
  outcome: Promise<unknown>,
  onSuccess: () => void = () => {},
): Promise<void> {
  try {
    const result = await outcome;
    onSuccess();
    call.succeed(result);
  } catch (error) {
    if (error instanceof UpstreamError) call.failWith(error.error);
    else call.fail(asFault(error));
  }
}
