/**
 * What a server asks while it works: `elicitation/create`, `sampling/createMessage`, `roots/list`. None
 * of them says for which call, so each is given to the one client it can only belong to, or refused.
 *
 * Guarantees: a question reaches a client only if that client alone has calls in flight at this process,
 * abandoned ones included, or if the process is its own; every question of the server's is answered
 * once, also when its client leaves, cancels, or does not answer. Not guaranteed: that a server which
 * asks on behalf of a call that it has answered already is understood; the specification does not allow
 * that (MCP 2025-11-25, client/elicitation and client/sampling).
 *
 * @module
 */

import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { notificationText } from "../../protocol/message.ts";
import type { Logger } from "../daemon/log.ts";
import type { ServerRequest } from "../upstream/conversation.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { Instance } from "../upstream/instance.ts";
import { Call } from "./call.ts";
import type { OpenQuestion } from "./questions.ts";
import { projectRoots } from "./project_roots.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode ServerRequests}. */
export interface ServerRequestsOptions {
  instance: Instance;
  log: Logger;
  /** The project of the instance; it is the answer to `roots/list`. */
  project: string | undefined;
  /** The session that has the process for itself. */
  own: Session | undefined;
  sessionOf(owner: string): Session | undefined;
  /** Milliseconds that a client may take to answer. */
  timeoutMs: number;
  /** A question could not be given to anybody with certainty, and not because its client is gone. */
  onUnattributable(method: string, doubt: Doubt): void;
}

/** The capability that a client must have declared to be asked. */
const CAPABILITY_FOR: Readonly<Record<string, string>> = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
};

/** Elicitations by URL remembered, so that their end is told to whoever had them. */
const MAX_ELICITATIONS = 1_000;

interface Open {
  question: OpenQuestion;
  session: Session;
}

/** The questions one server process has asked. */
export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  /** By JSON text of the server's id. */
  readonly #open = new Map<string, Open>();
  /** Who was asked to visit a URL, by `elicitationId`. */
  readonly #elicitations = new Map<string, Session>();

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
  }

  /** Sees to a request of the server's: it is answered once. */
  take(request: ServerRequest): void {
    const { project, own } = this.#options;
    const { method } = request;
    const capability = Object.hasOwn(CAPABILITY_FOR, method) ? CAPABILITY_FOR[method] : undefined;
    if (method === "roots/list" && project !== undefined) {
      return request.respond({ result: projectRoots(project) });
    }
    // Roots that only some clients have would widen or narrow what a server does for all of them.
    if (capability === undefined || (method === "roots/list" && own === undefined)) {
      return this.#refuse(request, notDeclared(method));
    }
    const session = own ?? this.#onlyPossible();
    if (session === undefined) {
      const { doubt, name } = this.#options.instance;
      // Nobody else's calls are unanswered: it is clear whose question it is, and that he has left.
      if (doubt !== undefined) this.#options.onUnattributable(method, doubt);
      return this.#refuse(
        request,
        new Fault("unattributable", `Cannot ask a client ${method}: ${whyNot(doubt)}`, {
          server: name,
        }),
      );
    }
    if (!isObject(session.capabilities[capability])) {
      return this.#refuse(request, notDeclared(method));
    }
    this.#ask(session, request);
  }

  /** The server does not want to know any more. @param id JSON text of its id. */
  cancel(id: string, reason: string): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.question.cancel(reason);
  }

  /** The process is gone: nobody waits for the answers. */
  clear(reason: string): void {
    for (const id of [...this.#open.keys()]) this.cancel(id, reason);
    this.#elicitations.clear();
  }

  /** Passes on that an elicitation by URL is complete, to whoever had it. */
  completeElicitation(params: JsonObject | undefined): void {
    const id = params?.elicitationId;
    if (typeof id !== "string") return;
    // Its own client may have it from an error, `URLElicitationRequired`, which passes here unread.
    const session = this.#elicitations.get(id) ?? this.#options.own;
    this.#elicitations.delete(id);
    session?.mailbox.post(notificationText("notifications/elicitation/complete", params));
  }

  /** The one client with calls in flight, if there is one and it is still here. */
  #onlyPossible(): Session | undefined {
    const { instance, sessionOf } = this.#options;
    const owner = instance.soleOwner;
    return owner === undefined ? undefined : sessionOf(owner);
  }

  async #ask(session: Session, request: ServerRequest): Promise<void> {
    const { instance, timeoutMs, log } = this.#options;
    const { id, method, params } = request;
    const meta = isObject(params?._meta) ? params._meta : {};
    const token = meta.progressToken;
    instance.heardOf(session.id);
    const call = this.#callOf(session);
    const question = session.ask({
      method,
      params,
      timeoutMs,
      ...(token === undefined ? {} : {
        onProgress: (progress) =>
          instance.notify("notifications/progress", { ...progress, progressToken: token }),
      }),
    }, call);
    this.#open.set(id, { question, session });
    // An answer that nobody needs any more must not be asked of a person.
    call?.whenSettled(() => this.cancel(id, "the call it belonged to is over"));
    if (params?.mode === "url") this.#remember(params.elicitationId, session);
    try {
      const answer = await question.answer;
      instance.heardOf(session.id);
      request.respond(answer);
    } catch (error) {
      const fault = asFault(error);
      log.debug("a question of a server was not answered", {
        server: instance.name,
        method,
        reason: fault.message,
      });
      request.respond(fault);
    } finally {
      if (this.#open.get(id)?.question === question) this.#open.delete(id);
    }
  }

  /** The call that the question belongs to, if its client has only one here. */
  #callOf(session: Session): Call | undefined {
    const calls = this.#options.instance.callsOf(session.id).filter((call) => call instanceof Call);
    // Of several, each is as good as another: they are all of this client.
    return calls.length === 1 || !session.mailbox.attached ? calls.at(-1) : undefined;
  }

  #remember(id: unknown, session: Session): void {
    if (typeof id !== "string") return;
    this.#elicitations.set(id, session);
    if (this.#elicitations.size <= MAX_ELICITATIONS) return;
    const [oldest] = this.#elicitations.keys();
    this.#elicitations.delete(oldest);
  }

  #refuse({ method, respond }: ServerRequest, fault: Fault): void {
    respond(fault);
    this.#options.log.warn("request of a server refused", {
      server: this.#options.instance.name,
      method,
      reason: fault.reason,
    });
  }
}

function whyNot(doubt: Doubt | undefined): string {
  switch (doubt) {
    case "several":
      return "calls of several clients are unanswered, and it does not say which one it is for";
    case "none":
      return "none has a call in flight";
    case undefined:
      return "the one whose call is unanswered has given it up";
  }
}

function notDeclared(method: string): Fault {
  return new Fault(
    "method_not_found",
    `Cannot take ${JSON.stringify(method.slice(0, 80))}: the client declared no such capability`,
  );
}
