/**
 * A legacy client's call at a modern server. The client said once what it can do; the server wants it
 * with every request. When the server needs more, it ends its answer with questions; the client is asked
 * them, on the stream of its call, and the call is made again with the answers.
 *
 * Guarantees: the call is settled once; `requestState` goes back byte for byte; rounds and time are
 * bounded. Source: MCP 2026-07-28, basic/patterns/mrtr.
 *
 * @module
 */

import type { Clock } from "../../platform/clock.ts";
import { asFault, Fault } from "../../protocol/errors.ts";
import { isObject, type JsonObject } from "../../protocol/json.ts";
import { metaOf, modernMeta, MULTI_ROUND_METHODS } from "../../protocol/modern.ts";
import { LATEST_MODERN_REVISION } from "../../protocol/revisions.ts";
import { callUpstream, type UpstreamCall, UpstreamError } from "../upstream/call.ts";
import type { Instance } from "../upstream/instance.ts";
import type { Answer } from "../upstream/question.ts";
import type { ClientCall } from "./client_call.ts";
import { isQuestion, missingCapability } from "./needed_capability.ts";
import { legacyResult } from "./shapes.ts";

/** Times that a server may ask for more in one call. */
const MAX_ROUNDS = 8;
/** Questions that a server may ask at once. */
const MAX_QUESTIONS = 100;
/** Milliseconds that all rounds of one call may take. */
const MAX_TIME_MS = 600_000;

/** What a client hears that never said what it wants to hear; a legacy server decides that itself. */
const DEFAULT_LOG_LEVEL = "info";

/** Makes the call; it will be settled. */
export async function callModernServer(
  call: ClientCall,
  { instance, clock }: { instance: Instance; clock: Clock },
): Promise<void> {
  const due = clock.now() + MAX_TIME_MS;
  let more: JsonObject = {};
  let round = 0;
  try {
    for (; round <= MAX_ROUNDS; round++) {
      // Cancelled behind its last answer: nothing more is done for it.
      if (call.settled) return;
      const result = await makeOnce(call, instance, more);
      if (call.settled) return;
      if (result.resultType !== "input_required") return finish(call, result);
      if (!MULTI_ROUND_METHODS.has(call.method)) {
        throw invalid(call, "asked for more, which it may not do here");
      }
      if (!saysWhat(result)) {
        throw invalid(call, "asked for more, and did not say what");
      }
      const left = due - clock.now();
      if (left <= 0) throw invalid(call, `asked for more for ${MAX_TIME_MS / 1000} s`);
      more = {
        ...(isObject(result.inputRequests)
          ? { inputResponses: await askAll(call, result.inputRequests, left) }
          : {}),
        ...(result.requestState === undefined ? {} : { requestState: result.requestState }),
      };
    }
    throw invalid(call, `asked for more ${MAX_ROUNDS + 1} times`);
  } catch (error) {
    if (error instanceof UpstreamError) call.failWith(error.error);
    else call.fail(round === 0 ? asFault(error) : begun(asFault(error)));
  }
}

/** The same of a call that the server had before it asked for more: it may have done a part of it. */
function begun({ reason, message, details }: Fault): Fault {
  return new Fault(reason, message, { ...details, retryable: false });
}

/** Whether there is something to come back with. Without, the call would only be made again. */
function saysWhat({ inputRequests, requestState }: JsonObject): boolean {
  return inputRequests === undefined ? requestState !== undefined : isObject(inputRequests);
}

function finish(call: ClientCall, result: JsonObject): void {
  if (result.resultType !== undefined && result.resultType !== "complete") {
    throw invalid(call, `is of a kind that is not known: ${JSON.stringify(result.resultType)}`);
  }
  call.succeed(legacyResult(call.method, result));
}

/** One request to the server, cancelled with the call. */
function makeOnce(call: ClientCall, instance: Instance, more: JsonObject): Promise<JsonObject> {
  const { owner, method, params, capabilities, clientInfo, logLevel } = call;
  const _meta = {
    ...metaOf(params),
    ...modernMeta({
      protocolVersion: LATEST_MODERN_REVISION,
      clientInfo,
      capabilities: modernCapabilities(capabilities),
      logLevel: logLevel ?? DEFAULT_LOG_LEVEL,
    }),
  };
  return callUpstream({
    submit(upstream: UpstreamCall) {
      call.whenCancelled((reason) => instance.abandon(upstream, reason));
      instance.submit(upstream);
    },
  }, {
    owner,
    method,
    params: { ...params, ...more, _meta },
    progress: (text) => void call.notify(text),
  });
}

/** What a legacy client declared, as a modern server may use it. */
function modernCapabilities({ tasks: _, ...capabilities }: JsonObject): JsonObject {
  if (!isObject(capabilities.roots)) return capabilities;
  return { ...capabilities, roots: {} };
}

/** Asks the client everything the server wants to know. @returns its results by the server's keys. */
async function askAll(
  call: ClientCall,
  requests: JsonObject,
  timeoutMs: number,
): Promise<JsonObject> {
  const asked = Object.entries(requests);
  if (asked.length > MAX_QUESTIONS) throw invalid(call, `asks ${asked.length} things at once`);
  const entries = asked.map(async ([key, request]) => {
    if (!isObject(request) || typeof request.method !== "string") {
      throw invalid(call, "asks something that is no request");
    }
    const { method } = request;
    const params = isObject(request.params) ? request.params : undefined;
    if (!isQuestion(method) || missingCapability(call.capabilities, { method, params })) {
      throw invalid(call, `asks ${JSON.stringify(method)}, which its client cannot answer`);
    }
    const question = call.ask(
      { method, params: legacyQuestion(method, params), timeoutMs },
      true,
    );
    call.whenSettled(() => question.cancel("the call it belonged to is over"));
    return [key, resultOf(await question.answer, method)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** An elicitation by URL has an id in 2025-11-25, which the modern era does without. */
function legacyQuestion(method: string, params: JsonObject | undefined): JsonObject | undefined {
  if (method !== "elicitation/create" || params?.mode !== "url") return params;
  return { elicitationId: crypto.randomUUID(), ...params };
}

function resultOf(answer: Answer, method: string): unknown {
  if ("result" in answer) return answer.result;
  // A client that could not ask its user has not agreed.
  if (method === "elicitation/create") return { action: "cancel" };
  throw new UpstreamError(answer.error);
}

function invalid({ method }: ClientCall, what: string): Fault {
  return new Fault("upstream_invalid", `The server's answer to ${method} ${what}`);
}
