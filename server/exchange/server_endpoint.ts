/**
 * One server as its clients see it: `initialize` answered from what the server said once, calls passed
 * on, and what the server says of its own accord given to exactly those it concerns.
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { NotificationMessage } from "../../protocol/message.ts";
import { negotiateRevision } from "../../protocol/revisions.ts";
import type { Logger } from "../daemon/log.ts";
import { callUpstream, DAEMON, UpstreamError } from "../upstream/call.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Call } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Session } from "./session.ts";
import { LogLevels, Subscriptions } from "./shared_state.ts";

/** Methods that are not simply passed on. */
const OWN_METHODS: Record<string, (endpoint: ServerEndpoint, call: Call) => void> = {
  "ping": (_endpoint, call) => call.succeed({}),
  "logging/setLevel": (endpoint, call) => endpoint.setLogLevel(call),
  "resources/subscribe": (endpoint, call) => endpoint.subscribe(call),
  "resources/unsubscribe": (endpoint, call) => endpoint.unsubscribe(call),
};

/** Notifications that concern every client of a server. */
const FOR_EVERYBODY = new Set([
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
]);

/** One server, shared. */
export class ServerEndpoint implements Endpoint {
  readonly server: string;
  readonly instance: Instance;
  readonly #log: Logger;
  readonly #sessions = new Map<string, Session>();
  readonly #logLevels = new LogLevels();
  readonly #subscriptions = new Subscriptions();

  constructor(instance: Instance, log: Logger) {
    this.server = instance.name;
    this.instance = instance;
    this.#log = log;
  }

  /** Sessions at this server. */
  get sessions(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  async initialize(_session: Session, params: JsonObject | undefined): Promise<JsonObject> {
    const result = await this.instance.ready();
    // Tasks belong to whoever began them, and the server would list them to everybody.
    const { tasks: _, ...capabilities } = result.capabilities;
    return {
      ...result,
      protocolVersion: negotiateRevision(params?.protocolVersion),
      capabilities,
    };
  }

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

  notification(_session: Session, message: NotificationMessage): void {
    // One client's state is not another's: the server was initialized once, and has no roots.
    if (message.method === "notifications/initialized") return;
    if (message.method === "notifications/roots/list_changed") return;
    this.instance.notify(message.method, message.params);
  }

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

  leave(session: Session): void {
    this.#sessions.delete(session.id);
    if (this.#logLevels.delete(session.id)) this.#tell(this.#levelCall());
    for (const uri of this.#subscriptions.deleteAll(session.id)) {
      this.#tell({ method: "resources/unsubscribe", params: { uri } });
    }
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

  // ---- what the server says of its own accord

  /** The server runs, for the first time or again: it learns what its clients still want. */
  onReady(): void {
    this.#tell(this.#levelCall());
    for (const uri of this.#subscriptions.uris) {
      this.#tell({ method: "resources/subscribe", params: { uri } });
    }
  }

  onNotification(message: NotificationMessage, text: string): void {
    if (FOR_EVERYBODY.has(message.method)) {
      for (const session of this.#sessions.values()) session.mailbox.post(text);
      return;
    }
    if (message.method === "notifications/resources/updated") {
      const uri = message.params?.uri;
      if (typeof uri !== "string") return;
      for (const id of this.#subscriptions.concernedBy(uri)) {
        this.#sessions.get(id)?.mailbox.post(text);
      }
      return;
    }
    // A request of the server's own is never asked of a client yet, so there is none to cancel.
    if (message.method === "notifications/cancelled") return;
    this.#toOnlyOwner(message, text);
  }

  /**
   * Logs, and whatever is not known here: for the only client this process has ever worked for. With
   * none or several, nobody gets it but the daemon's log.
   */
  #toOnlyOwner(message: NotificationMessage, text: string): void {
    const owner = this.instance.onlyOwner;
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
    if (only !== undefined && more.length === 0) only.notify(text);
    else if (session.mailbox.attached || only === undefined) session.mailbox.post(text);
    else only.notify(text);
  }
}

interface UpstreamRequest {
  /** Default: the session of the call it is made for. */
  owner?: string;
  method: string;
  params?: JsonObject;
}
