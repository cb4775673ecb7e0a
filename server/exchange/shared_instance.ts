/**
 * One running server and the sessions on it: calls passed on, what the server keeps once for all of them
 * reconciled, and what it says of its own accord given to exactly those it concerns.
 *
 * @module
 */

import { ChurningMap } from "../../platform/churning_map.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { idText, type NotificationMessage, notificationText } from "../../protocol/message.ts";
import { META, metaOf } from "../../protocol/modern.ts";
import type { Logger } from "../daemon/log.ts";
import type { UpstreamCall } from "../upstream/call.ts";
import type { ServerRequest } from "../upstream/conversation.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { Instance, InstanceListener } from "../upstream/instance.ts";
import { type InstanceSpec, profileOf } from "../upstream/instance_key.ts";
import type { CloseGrace } from "../upstream/wire.ts";
import type { Call } from "./call.ts";
import { ServerRequests } from "./server_requests.ts";
import type { Session } from "./session.ts";
import { InstanceCalls } from "./instance_calls.ts";
import { KnownTools } from "./known_tools.ts";
import { isAtLeast } from "./shared_state.ts";
import { StandingNeeds } from "./standing_needs.ts";

/** Who is told what happens to an instance: the endpoints whose sessions use it. */
export interface InstanceUser {
  /** The server is initialized, for the first time or again. */
  onReady(shared: SharedInstance): void;
  /** One of its lists changed. */
  onListChanged(shared: SharedInstance, method: string): void;
  /** It asked something that could not be given to one client with certainty. */
  onUnattributable(shared: SharedInstance, method: string, doubt: Doubt): void;
  /** A call waits for its client to come back with answers; others wait for their turn behind it. */
  onParked(shared: SharedInstance): void;
  /** Its process is gone, and whatever it knew. */
  onGone(shared: SharedInstance, gone: { crashed: boolean }): void;
  /** Whether it has placed a session there. */
  isAt(session: Session, shared: SharedInstance): boolean;
}

/** Options of {@linkcode SharedInstance}. */
export interface SharedInstanceOptions {
  key: string;
  spec: InstanceSpec;
  /** The session that has it for itself. */
  own: Session | undefined;
  clock: Clock;
  log: Logger;
  /** Makes the instance that this is about. */
  create(spec: InstanceSpec, listener: InstanceListener): Instance;
}

/** Notifications that concern every client of a server. */
const FOR_EVERYBODY = new Set([
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
]);

/** Calls that change nothing, so that making them twice does no harm. */
const READING = new Set([
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
]);

/** Whether calls of this method change nothing. */
export function onlyReads(method: string): boolean {
  return READING.has(method);
}

/** An instance, shared. */
export class SharedInstance implements InstanceListener {
  readonly key: string;
  readonly spec: InstanceSpec;
  readonly instance: Instance;
  /** JSON text of the class of clients that it is for. */
  readonly profile: string;
  /** The session that has it for itself. */
  readonly own: Session | undefined;
  /** Endpoints whose sessions use it. */
  readonly users = new Set<InstanceUser>();
  readonly #log: Logger;
  readonly #sessions = new ChurningMap<string, Session>();
  readonly #needs: StandingNeeds;
  readonly #calls: InstanceCalls;
  readonly #requests: ServerRequests;
  readonly #tools: KnownTools;
  /** Tools that may be called again after a crash. */
  #idempotentTools = new Set<string>();
  /** Whether it was heard to speak of its own accord while no call was in flight. */
  #speaksUnasked = false;

  constructor({ key, spec, own, clock, log, create }: SharedInstanceOptions) {
    this.key = key;
    this.spec = spec;
    this.own = own;
    this.profile = JSON.stringify(profileOf(spec));
    this.#log = log;
    this.instance = create(spec, this);
    const { instance } = this;
    this.#needs = new StandingNeeds({ instance, clock, log });
    this.#tools = new KnownTools({ instance, clock, log });
    this.#calls = new InstanceCalls({
      ...{ instance, clock },
      needs: this.#needs,
      tools: this.#tools,
      onParked: () => {
        for (const user of [...this.users]) user.onParked(this);
      },
    });
    this.#requests = new ServerRequests({
      instance: this.instance,
      clock,
      log,
      project: spec.project,
      own,
      sessionOf: (owner) => this.#sessions.get(owner),
      timeoutMs: spec.entry.callTimeoutMs,
      onUnattributable: (method, doubt) => {
        for (const user of this.users) user.onUnattributable(this, method, doubt);
      },
    });
  }

  /** Name of the server. */
  get server(): string {
    return this.instance.name;
  }

  /** Sessions on it. */
  get sessions(): ChurningMap<string, Session> {
    return this.#sessions;
  }

  /** Whether nothing would be lost by forgetting it: nobody uses it, and no crash is remembered. */
  get forgettable(): boolean {
    const { life } = this.instance;
    if (life.state === "stopped") return true;
    return this.#sessions.size === 0 && life.state === "idle" &&
      life.record.crashes + life.record.failedStarts === 0;
  }

  /** Whether it has no process, and nobody waits for one. */
  get resting(): boolean {
    return this.instance.life.state === "idle" && this.instance.callsQueued === 0;
  }

  /** Sees to the call: it will be settled exactly once. */
  request(call: Call): void {
    this.#calls.request(call);
    if (call.session.isModern) this.#requests.onCall();
  }

  /** Calls that wait for their clients to come back with answers. */
  get parked(): number {
    return this.#calls.parked;
  }

  /** Takes the calls of modern clients back that the server has not had yet. */
  withdrawWaiting(isMeant: (call: Call) => boolean): Call[] {
    return this.#calls.withdrawWaiting(isMeant);
  }

  /** Fails the calls that the server has not had yet; no process is to have them. */
  failWaiting(fault: Fault): void {
    const { instance } = this;
    for (const call of [...instance.queued]) if (instance.withdraw(call)) call.fail(fault);
  }

  /** Whether such a call is known here under this name. */
  holds(requestState: string): boolean {
    return this.#calls.holds(requestState);
  }

  /** Takes a notification of a client's. */
  notification(session: Session, { method, params }: NotificationMessage): void {
    // The server was initialized once, whoever comes.
    if (method === "notifications/initialized") return;
    // One client's roots are not another's; those of its own client are asked for again.
    if (method === "notifications/roots/list_changed" && this.own !== session) return;
    this.instance.notify(method, params);
  }

  /** A session comes to it, perhaps with what it had asked for before. */
  join(session: Session, subscriptions: ReadonlySet<string> = session.subscriptions): void {
    this.#sessions.set(session.id, session);
    const { id, logLevel } = session;
    if (logLevel === null && subscriptions.size === 0) return;
    this.#needs.restore(id, { logLevel, subscriptions });
    // Whoever waits for updates may never call: the server must run to send them.
    if (subscriptions.size > 0) this.instance.ready().catch(() => {}); // Logged by the instance.
  }

  /** A session on it wants another log level. */
  levelChanged({ id, logLevel }: Session): void {
    this.#needs.restore(id, { logLevel, subscriptions: [] });
  }

  /** A session leaves it: what was kept for it is released. */
  leave(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#needs.release(session.id);
    this.#calls.listeners.endOf(session);
  }

  /** Ends it for good; calls in flight fail with `fault`. */
  stop(fault: Fault, grace?: CloseGrace): Promise<void> {
    this.#calls.listeners.end();
    return this.instance.stop(fault, grace);
  }

  // ---- what the server does of its own accord

  /** The server runs, for the first time or again: it learns what its clients still want. */
  onReady(): void {
    this.#needs.onReady();
    if (this.spec.entry.retry === "idempotent") this.#learnTools();
    for (const user of this.users) user.onReady(this);
  }

  onGone(_instance: Instance, gone: { crashed: boolean }): void {
    this.#requests.clear("the server that asked is gone");
    this.#calls.onGone();
    this.#speaksUnasked = false;
    this.#needs.onGone();
    this.#tools.forget();
    for (const user of [...this.users]) user.onGone(this, gone);
    // Whoever waits for updates may never call.
    if (gone.crashed && this.#needs.any) {
      this.instance.ready().catch(() => {}); // Logged by the instance.
    }
  }

  /** Whether somebody waits for what it says of its own accord, or has it for itself. */
  isNeeded(): boolean {
    return this.#needs.any || (this.own?.active ?? false);
  }

  mayRepeat({ method, params }: UpstreamCall): boolean {
    if (onlyReads(method)) return true;
    return method === "tools/call" && this.#idempotentTools.has(params?.name as string);
  }

  onRequest(_instance: Instance, request: ServerRequest): void {
    this.#requests.take(request);
  }

  onNotification(_instance: Instance, message: NotificationMessage, text: string): void {
    const { method, params } = message;
    const plain = META.subscriptionId in metaOf(params) ? withoutSubscription(message) : text;
    if (FOR_EVERYBODY.has(method)) {
      for (const session of this.#sessions.values()) {
        // Those at all servers together hear it once, from there.
        if (session.endpoint.server !== undefined) session.tell(plain);
      }
      this.#calls.listeners.onListChanged(method, params);
      if (method === "notifications/tools/list_changed") {
        this.#tools.forget();
        if (this.#idempotentTools.size > 0) this.#learnTools();
      }
      for (const user of this.users) user.onListChanged(this, method);
      return;
    }
    switch (method) {
      case "notifications/resources/updated": {
        const uri = params?.uri;
        if (typeof uri !== "string") return;
        for (const id of this.#needs.concernedBy(uri)) {
          const isModern = this.#calls.listeners.onUpdated(id, { ...params, uri });
          if (!isModern) this.#sessions.get(id)?.tell(plain);
        }
        return;
      }
      case "notifications/cancelled": {
        const id = idText(params?.requestId);
        if (id !== undefined) this.#requests.cancel(id, "the server cancelled it");
        return;
      }
      case "notifications/elicitation/complete":
        return this.#requests.completeElicitation(params);
      default:
        this.#toOnlyClient(message, text);
    }
  }

  /**
   * Logs, and whatever is not known here: for the one client it can be about. With none or several,
   * nobody gets it but the daemon's log.
   */
  #toOnlyClient(message: NotificationMessage, text: string): void {
    const owner = this.#ownerSpokenOf();
    const session = owner === undefined ? undefined : this.#sessions.get(owner);
    if (session !== undefined && !session.isModern) return this.#toSession(session, message, text);
    // Modern clients hear of their calls on the streams of those, and only if they ask for it.
    const calls = owner === undefined ? [] : this.instance.askable();
    const [call] = calls;
    if (calls.length === 1 && call.owner === owner) {
      if (isWanted(call.logLevel, message)) call.notify(text);
      return;
    }
    const { level, logger, data } = message.params ?? {};
    this.#log.debug("notification of a server that belongs to no single client", {
      server: this.server,
      method: message.method,
      level,
      logger,
      data,
    });
  }

  /**
   * The only client this process has ever worked for; or the only one with calls in flight, unless the
   * process was heard to speak while none was: then it may go on with what it did for others before.
   */
  #ownerSpokenOf(): string | undefined {
    const { instance } = this;
    const { topic, isQuiet, hasOwnCalls } = instance;
    if (instance.callsGiven > 0 && (isQuiet || topic === "before")) this.#speaksUnasked = true;
    const only = this.own?.id ?? instance.onlyClient;
    // What the daemon asks for itself may be about a client that has left.
    const isSure = topic === "calls" && !this.#speaksUnasked && !hasOwnCalls;
    if (only !== undefined || !isSure) return only;
    return instance.soleOwner;
  }

  #toSession(session: Session, { method, params }: NotificationMessage, text: string): void {
    if (method === "notifications/message" && !this.#needs.wants(session.id, params?.level)) return;
    const [only, ...more] = session.calls.values();
    const isSure = more.length === 0 || !session.mailbox.attached;
    if (only === undefined || !isSure || !only.notify(text)) session.tell(text);
  }

  /** Reads which tools may be called twice. Source: MCP 2025-11-25, `ToolAnnotations`. */
  async #learnTools(): Promise<void> {
    const tools = await this.#tools.read();
    const isSafe = ({ annotations }: JsonObject) =>
      isObject(annotations) &&
      (annotations.idempotentHint === true || annotations.readOnlyHint === true);
    // Without the list no tool is called twice, which is always right.
    this.#idempotentTools = new Set(
      [...tools].filter(([, tool]) => isSafe(tool)).map(([name]) => name),
    );
  }
}

/** A notification of a modern server's for legacy clients. */
function withoutSubscription({ method, params }: NotificationMessage): string {
  const { [META.subscriptionId]: _, ...meta } = metaOf(params);
  const { _meta: __, ...rest } = params ?? {};
  const plain = Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta };
  return notificationText(method, Object.keys(plain).length === 0 ? undefined : plain);
}

/** Whether a modern call asked for a message; what is no log message at all, it did not. */
function isWanted(least: string | null, { method, params }: NotificationMessage): boolean {
  return method === "notifications/message" && least !== null && isAtLeast(params?.level, least);
}
