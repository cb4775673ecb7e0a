/**
 * One running server and the sessions on it: calls passed on, what the server keeps once for all of them
 * reconciled, and what it says of its own accord given to exactly those it concerns.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { isObject } from "../../protocol/json.ts";
import { idText, type NotificationMessage } from "../../protocol/message.ts";
import type { Logger } from "../daemon/log.ts";
import { callUpstream, DAEMON, type UpstreamCall, UpstreamError } from "../upstream/call.ts";
import type { ServerRequest } from "../upstream/conversation.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { Instance, InstanceListener } from "../upstream/instance.ts";
import type { InstanceSpec } from "../upstream/instance_key.ts";
import type { CloseGrace } from "../upstream/wire.ts";
import type { Call } from "./call.ts";
import { readPages } from "./pages.ts";
import { ServerRequests } from "./server_requests.ts";
import type { Session } from "./session.ts";
import { LogLevels, Subscriptions } from "./shared_state.ts";

/** Who is told what happens to an instance: the endpoints whose sessions use it. */
export interface InstanceUser {
  /** The server is initialized, for the first time or again. */
  onReady(shared: SharedInstance): void;
  /** One of its lists changed. */
  onListChanged(shared: SharedInstance, method: string): void;
  /** It asked something that could not be given to one client with certainty. */
  onUnattributable(shared: SharedInstance, method: string, doubt: Doubt): void;
  /** Its process is gone, and whatever it knew. */
  onGone(shared: SharedInstance, gone: { crashed: boolean }): void;
}

/** Options of {@linkcode SharedInstance}. */
export interface SharedInstanceOptions {
  key: string;
  spec: InstanceSpec;
  /** The session that has it for itself. */
  own: Session | undefined;
  log: Logger;
  /** Makes the instance that this is about. */
  create(spec: InstanceSpec, listener: InstanceListener): Instance;
}

/** Methods that are not simply passed on. */
const OWN_METHODS: Record<string, (shared: SharedInstance, call: Call) => void> = {
  "ping": (_shared, call) => call.succeed({}),
  "logging/setLevel": (shared, call) => shared.setLogLevel(call),
  "resources/subscribe": (shared, call) => shared.subscribe(call),
  "resources/unsubscribe": (shared, call) => shared.unsubscribe(call),
};

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

/** An instance, shared. */
export class SharedInstance implements InstanceListener {
  readonly key: string;
  readonly spec: InstanceSpec;
  readonly instance: Instance;
  /** The session that has it for itself. */
  readonly own: Session | undefined;
  /** Endpoints whose sessions use it. */
  readonly users = new Set<InstanceUser>();
  readonly #log: Logger;
  readonly #sessions = new Map<string, Session>();
  readonly #logLevels = new LogLevels();
  readonly #subscriptions = new Subscriptions();
  readonly #requests: ServerRequests;
  /** Tools that may be called again after a crash. */
  #idempotentTools = new Set<string>();

  constructor({ key, spec, own, log, create }: SharedInstanceOptions) {
    this.key = key;
    this.spec = spec;
    this.own = own;
    this.#log = log;
    this.instance = create(spec, this);
    this.#requests = new ServerRequests({
      instance: this.instance,
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
  get sessions(): ReadonlyMap<string, Session> {
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
    const own = Object.hasOwn(OWN_METHODS, call.method) ? OWN_METHODS[call.method] : undefined;
    if (own !== undefined) return own(this, call);
    if (call.method.startsWith("tasks/")) {
      return call.fail(
        new Fault(
          "method_not_found",
          `Cannot do ${JSON.stringify(call.method)}: tasks are not offered by shared servers`,
          { server: this.server },
        ),
      );
    }
    if (call.params?.task !== undefined) {
      const { task: _, ...params } = call.params;
      call.params = params;
    }
    call.submitTo(this.instance);
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
  join(session: Session): void {
    this.#sessions.set(session.id, session);
    const { id, logLevel, subscriptions } = session;
    if (logLevel !== null && this.#logLevels.set(id, logLevel)) this.#tell(this.#levelCall());
    for (const uri of subscriptions) {
      this.#subscriptions.add(id, uri);
      this.#tell({ method: "resources/subscribe", params: { uri } });
    }
    // Whoever waits for updates may never call: the server must run to send them.
    if (subscriptions.size > 0) this.instance.ready().catch(() => {}); // Logged by the instance.
  }

  /** A session leaves it: what was kept for it is released. */
  leave(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    if (this.#logLevels.delete(session.id)) this.#tell(this.#levelCall());
    for (const uri of this.#subscriptions.deleteAll(session.id)) {
      this.#tell({ method: "resources/unsubscribe", params: { uri } });
    }
  }

  /** Ends it for good; calls in flight fail with `fault`. */
  stop(fault: Fault, grace?: CloseGrace): Promise<void> {
    return this.instance.stop(fault, grace);
  }

  // ---- state the server keeps once

  /** See {@linkcode LogLevels}. */
  setLogLevel(call: Call): void {
    const level = call.params?.level;
    if (!this.#logLevels.set(call.session.id, level)) {
      return call.fail(
        new Fault("invalid_params", `Unknown log level ${JSON.stringify(level)}`, {
          server: this.server,
        }),
      );
    }
    call.session.logLevel = level as string;
    call.session.changed();
    // The daemon's own: it sums up what all clients want, and is work for none of them.
    this.#relay(call, { ...this.#levelCall()!, owner: DAEMON });
  }

  /** See {@linkcode Subscriptions}. */
  subscribe(call: Call): void {
    const uri = call.params?.uri;
    if (typeof uri !== "string") return call.submitTo(this.instance);
    const { id } = call.session;
    const isNew = !this.#subscriptions.of(uri).has(id);
    // Before the server answers, so that another client's unsubscribe does not undo it meanwhile.
    this.#subscriptions.add(id, uri);
    this.#relay(call, { method: call.method, params: call.params }, {
      onSuccess: () => {
        call.session.subscriptions.add(uri);
        call.session.changed();
      },
      onFailure: () => isNew && this.#subscriptions.delete(id, uri),
    });
  }

  /** See {@linkcode Subscriptions}. */
  unsubscribe(call: Call): void {
    const uri = call.params?.uri;
    if (typeof uri !== "string") return call.submitTo(this.instance);
    const last = this.#subscriptions.delete(call.session.id, uri);
    if (call.session.subscriptions.delete(uri)) call.session.changed();
    if (!last && this.#subscriptions.of(uri).size > 0) return call.succeed({});
    this.#relay(call, { method: call.method, params: call.params });
  }

  #levelCall(): UpstreamRequest | undefined {
    const level = this.#logLevels.widest;
    return level === undefined ? undefined : { method: "logging/setLevel", params: { level } };
  }

  /** Makes a call on behalf of a client's, and gives it the outcome. */
  async #relay(
    call: Call,
    request: UpstreamRequest,
    { onSuccess, onFailure }: { onSuccess?: () => void; onFailure?: () => void } = {},
  ): Promise<void> {
    try {
      const result = await callUpstream(this.instance, { owner: call.owner, ...request });
      onSuccess?.();
      call.succeed(result);
    } catch (error) {
      onFailure?.();
      if (error instanceof UpstreamError) call.failWith(error.error);
      else call.fail(asFault(error));
    }
  }

  /** Makes a call nobody waits for; a server that refuses it keeps what it had. */
  async #tell(request: UpstreamRequest | undefined): Promise<void> {
    if (request === undefined || this.instance.life.state !== "ready") return;
    try {
      await callUpstream(this.instance, request);
    } catch (error) {
      this.#log.warn("a server refused what its clients need", {
        server: this.server,
        method: request.method,
        error: (error as Error).message,
      });
    }
  }

  // ---- what the server does of its own accord

  /** The server runs, for the first time or again: it learns what its clients still want. */
  onReady(): void {
    this.#tell(this.#levelCall());
    for (const uri of this.#subscriptions.uris) {
      this.#tell({ method: "resources/subscribe", params: { uri } });
    }
    if (this.spec.entry.retry === "idempotent") this.#learnTools();
    for (const user of this.users) user.onReady(this);
  }

  onGone(_instance: Instance, gone: { crashed: boolean }): void {
    this.#requests.clear("the server that asked is gone");
    for (const user of [...this.users]) user.onGone(this, gone);
    // Whoever waits for updates may never call.
    if (gone.crashed && this.#subscriptions.uris.length > 0) {
      this.instance.ready().catch(() => {}); // Logged by the instance.
    }
  }

  /** Whether somebody waits for what it says of its own accord, or has it for itself. */
  isNeeded(): boolean {
    return this.#subscriptions.uris.length > 0 || (this.own?.active ?? false);
  }

  mayRepeat({ method, params }: UpstreamCall): boolean {
    if (READING.has(method)) return true;
    return method === "tools/call" && this.#idempotentTools.has(params?.name as string);
  }

  onRequest(_instance: Instance, request: ServerRequest): void {
    this.#requests.take(request);
  }

  onNotification(_instance: Instance, message: NotificationMessage, text: string): void {
    const { method, params } = message;
    if (FOR_EVERYBODY.has(method)) {
      for (const session of this.#sessions.values()) {
        // Those at all servers together hear it once, from there.
        if (session.endpoint.server !== undefined) session.mailbox.post(text);
      }
      if (method === "notifications/tools/list_changed" && this.#idempotentTools.size > 0) {
        this.#learnTools();
      }
      for (const user of this.users) user.onListChanged(this, method);
      return;
    }
    switch (method) {
      case "notifications/resources/updated": {
        const uri = params?.uri;
        if (typeof uri !== "string") return;
        for (const id of this.#subscriptions.concernedBy(uri)) {
          this.#sessions.get(id)?.mailbox.post(text);
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
        this.#toOnlyOwner(message, text);
    }
  }

  /**
   * Logs, and whatever is not known here: for the only client this process has ever worked for. With
   * none or several, nobody gets it but the daemon's log.
   */
  #toOnlyOwner(message: NotificationMessage, text: string): void {
    const owner = this.own?.id ?? this.instance.onlyOwner;
    const session = owner === undefined ? undefined : this.#sessions.get(owner);
    const { level, logger, data } = message.params ?? {};
    if (session === undefined) {
      this.#log.debug("notification of a server that belongs to no single client", {
        server: this.server,
        method: message.method,
        level,
        logger,
        data,
      });
      return;
    }
    if (
      message.method === "notifications/message" && !this.#logLevels.wants(session.id, level)
    ) return;
    const [only, ...more] = session.calls.values();
    const isSure = more.length === 0 || !session.mailbox.attached;
    if (only === undefined || !isSure || !only.notify(text)) session.mailbox.post(text);
  }

  /** Reads which tools may be called twice. Source: MCP 2025-11-25, `ToolAnnotations`. */
  async #learnTools(): Promise<void> {
    try {
      const tools = await readPages(this.instance, { method: "tools/list", member: "tools" });
      const isSafe = ({ annotations }: JsonObject) =>
        isObject(annotations) &&
        (annotations.idempotentHint === true || annotations.readOnlyHint === true);
      this.#idempotentTools = new Set(tools.filter(isSafe).map(({ name }) => String(name)));
    } catch (error) {
      // Without the list no tool is called twice, which is always right.
      this.#log.debug("cannot learn which tools are idempotent", {
        server: this.server,
        error: (error as Error).message,
      });
    }
  }
}

interface UpstreamRequest {
  /** Default: the session of the call it is made for. */
  owner?: string;
  method: string;
  params?: JsonObject;
}
