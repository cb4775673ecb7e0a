/**
 * A modern client at all servers together that listens for updates of resources: each of the servers is
 * asked for its own, as if the client were there, and what it tells goes out on the one stream of the
 * client.
 *
 * @module
 */

import { asFault, Fault } from "../../../protocol/errors.ts";
import { isObject, type JsonObject, parseJson } from "../../../protocol/json.ts";
import { metaOf } from "../../../protocol/modern.ts";
import { Call } from "../call.ts";
import type { Endpoint } from "../endpoint.ts";

/** What is listened for. */
export interface ListenAtOptions {
  /** The addresses of the resources. */
  uris: readonly string[];
  /** Settles when the client knows what it will hear of; until then it is told nothing. */
  acknowledged: Promise<void>;
}

/**
 * Listens at one server for as long as `call` goes on.
 *
 * @returns the addresses of which the server tells; none when it cannot be asked.
 */
export function listenAt(
  call: Call,
  endpoint: Endpoint,
  { uris, acknowledged }: ListenAtOptions,
): Promise<string[]> {
  const { session, id, method } = call;
  const params: JsonObject = {
    _meta: metaOf(call.params),
    notifications: { resourceSubscriptions: [...uris] },
  };
  return new Promise((resolve) => {
    let isTold = false;
    // The same id: what is told is told under it.
    const part = new Call(session, { kind: "request", id, method, params }, {
      notify(text) {
        const message = parseJson(text);
        if (!isObject(message) || message.method !== "notifications/subscriptions/acknowledged") {
          acknowledged.then(() => call.notify(text));
        } else {
          isTold = true;
          resolve(honouredIn(message));
        }
        return true;
      },
      answer() {
        // Sessions know calls by their ids, and this one may have taken the other's place.
        if (!call.settled) session.calls.set(call.key, call);
        resolve([]);
        // What the client believes that it hears is not told any more: it is to listen again.
        if (isTold) acknowledged.then(() => call.end(gone()));
      },
    });
    call.whenSettled(() => part.cancel("the client does not listen any more"));
    try {
      endpoint.request(part);
    } catch (error) {
      part.fail(asFault(error));
    }
  });
}

function gone(): Fault {
  return new Fault("draining", "A server that was listened to is gone; listen again");
}

function honouredIn({ params }: JsonObject): string[] {
  const filter = isObject(params) && isObject(params.notifications) ? params.notifications : {};
  const uris = filter.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [];
}
