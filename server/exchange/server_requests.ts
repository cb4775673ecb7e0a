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

import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { notificationText } from "../../protocol/message.ts";
import { metaOf } from "../../protocol/modern.ts";
import type { Logger } from "../daemon/log.ts";
import type { ServerRequest } from "../upstream/conversation.ts";
import type { Doubt } from "../upstream/in_flight.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Askable, OpenQuestion, Question } from "../upstream/question.ts";
import { DeferredQuestions } from "./deferred_questions.ts";
import { projectRoots } from "./project_roots.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode ServerRequests}. */
export interface ServerRequestsOptions {
  instance: Instance;
  clock: Clock;
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

/** The client that a question is for. */
interface Asked {
  owner: string;
  session: Session | undefined;
  capabilities: JsonObject;
  /** See {@linkcode Askable.inRounds}. */
  inRounds?: boolean;
  ask(question: Question): OpenQuestion;
  whenSettled(callback: () => void): void;
}

/** The questions one server process has asked. */
export class ServerRequests {
  readonly #options: ServerRequestsOptions;
  /** By JSON text of the server's id. */
  readonly #open = new Map<string, OpenQuestion>();
  /** Who was asked to visit a URL, by `elicitationId`. */
  readonly #elicitations = new Map<string, Session>();
  /** Asked while the one client there is made no call that could bring them to it. */
  readonly #deferred: DeferredQuestions;

  constructor(options: ServerRequestsOptions) {
    this.#options = options;
    this.#deferred = new DeferredQuestions(options.clock);
  }

  /** A modern client that has the process for itself makes a call: it may bring questions to it. */
  onCall(): void {
    if (this.#deferred.size === 0) return;
    const call = this.#callsOf(this.#options.own?.id).at(-1);
    if (call !== undefined) this.#deferred.flush((question) => call.ask(question, true));
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
    const asked = this.#onlyPossible();
    if (asked === undefined) {
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
    if (!asked.inRounds && !isObject(asked.capabilities[capability])) {
      return this.#refuse(request, notDeclared(method));
    }
    this.#ask(asked, request);
  }

  /** The server does not want to know any more. @param id JSON text of its id. */
  cancel(id: string, reason: string): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.cancel(reason);
  }

  /** The process is gone: nobody waits for the answers. */
  clear(reason: string): void {
    for (const id of [...this.#open.keys()]) this.cancel(id, reason);
    this.#elicitations.clear();
    this.#deferred.clear(new Fault("cancelled", reason));
  }

  /** Passes on that an elicitation by URL is complete, to whoever had it. */
  completeElicitation(params: JsonObject | undefined): void {
    const id = params?.elicitationId;
    if (typeof id !== "string") return;
    // Its own client may have it from an error, `URLElicitationRequired`, which passes here unread.
    const session = this.#elicitations.get(id) ?? this.#options.own;
    this.#elicitations.delete(id);
    session?.tell(notificationText("notifications/elicitation/complete", params));
  }

  /** The one client it can be for, if there is one and it is still here. */
  #onlyPossible(): Asked | undefined {
    const { instance, sessionOf, own } = this.#options;
    const owner = own?.id ?? instance.soleOwner;
    if (owner === undefined) return undefined;
    const session = own ?? sessionOf(owner);
    const calls = this.#callsOf(owner);
    const call = calls.at(-1);
    if (call !== undefined) {
      const { capabilities, inRounds } = call;
      const sure = calls.length === 1;
      return {
        ...{ owner, session, capabilities, inRounds },
        ask: (question) => call.ask(question, sure),
        // Of several, each is as good as another: they are all of this client. It outlives all but the last.
        whenSettled: (callback) => whenAllSettled(calls, callback),
      };
    }
    if (session?.isModern) {
      // Nobody may send it a request; its next call takes it along, if that client has the process.
      return own === undefined ? undefined : {
        ...{ owner, session, capabilities: session.capabilities, inRounds: true },
        ask: (question) => this.#deferred.add(question),
        whenSettled: () => {},
      };
    }
    return session === undefined ? undefined : {
      ...{ owner, session, capabilities: session.capabilities },
      // A server asks for roots at its start, and then its client is only about to begin.
      ask: (question) =>
        question.method === "roots/list" ? session.askOnceThere(question) : session.ask(question),
      whenSettled: () => {},
    };
  }

  /** The calls of a client by which it can be asked, oldest first. */
  #callsOf(owner: string | undefined) {
    const { instance, own } = this.#options;
    // One client's, whatever sessions its connections have.
    const calls = own?.kind === "modern"
      ? instance.askable()
      : instance.askable().filter((call) => call.owner === owner);
    return calls.filter(({ inRounds }) => inRounds !== false);
  }

  async #ask(asked: Asked, request: ServerRequest): Promise<void> {
    const { instance, timeoutMs, log } = this.#options;
    const { id, method, params } = request;
    const { progressToken: token } = metaOf(params);
    instance.heardOf(asked.owner);
    const question = asked.ask({
      method,
      params,
      timeoutMs,
      ...(token === undefined ? {} : {
        onProgress: (progress) =>
          instance.notify("notifications/progress", { ...progress, progressToken: token }),
      }),
    });
    this.#open.set(id, question);
    // An answer that nobody needs any more must not be asked of a person. Roots are no person's answer,
    // and a server that asks for them at its start needs them whatever call happens to run.
    if (method !== "roots/list") {
      asked.whenSettled(() => this.cancel(id, "the call it belonged to is over"));
    }
    if (params?.mode === "url" && asked.session !== undefined) {
      this.#remember(params.elicitationId, asked.session);
    }
    try {
      const answer = await question.answer;
      instance.heardOf(asked.owner);
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
      if (this.#open.get(id) === question) this.#open.delete(id);
    }
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

function whenAllSettled(calls: readonly Askable[], callback: () => void): void {
  let running = calls.length;
  for (const call of calls) {
    call.whenSettled(() => {
      if (--running === 0) callback();
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
