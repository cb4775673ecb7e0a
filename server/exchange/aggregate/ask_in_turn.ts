/**
 * A call that several servers may be able to answer: the first result counts. For calls that only read,
 * because servers are asked that will not have it.
 *
 * @module
 */

import { asFault, Fault } from "../../../protocol/errors.ts";
import { isObject, parseJson } from "../../../protocol/json.ts";
import { Call } from "../call.ts";
import type { Endpoint } from "../endpoint.ts";

let lastId = 0;

/** Settles `call` with the first result of `endpoints`, else with the error of the first of them. */
export async function askInTurn(call: Call, endpoints: readonly Endpoint[]): Promise<void> {
  const [only, ...others] = endpoints;
  if (others.length === 0) return only.request(call);
  let firstFailure: (() => void) | undefined;
  for (const endpoint of endpoints) {
    const { result, fail } = await askOne(call, endpoint);
    if (call.settled) return;
    if (fail === undefined) return call.succeed(result);
    firstFailure ??= fail;
  }
  firstFailure?.();
}

interface Outcome {
  result?: unknown;
  /** Fails the call as this endpoint did. */
  fail?: () => void;
}

/** What a server's answer means for the call. */
function outcomeIn(text: string, call: Call): Outcome {
  try {
    const answer = parseJson(text);
    const { result, error } = isObject(answer) ? answer : {};
    return error === undefined ? { result } : { fail: () => call.failWith(error) };
  } catch (cause) {
    const fault = new Fault("upstream_invalid", `Cannot read the answer to ${call.method}`, {
      cause,
    });
    return { fail: () => call.fail(fault) };
  }
}

/** Makes the same call under an id of its own. */
function askOne(call: Call, endpoint: Endpoint): Promise<Outcome> {
  const { method, params, session } = call;
  return new Promise((resolve) => {
    const message = { kind: "request", id: `"asked in turn ${++lastId}"`, method, params } as const;
    const asked = new Call(session, message, {
      notify: (text) => call.notify(text),
      answer: (text, fault) => {
        if (fault !== undefined) return resolve({ fail: () => call.fail(fault) });
        resolve(outcomeIn(text, call));
      },
    });
    call.whenCancelled((reason) => asked.cancel(reason));
    try {
      endpoint.request(asked);
    } catch (error) {
      asked.fail(asFault(error));
    }
  });
}
