/**
 * Calls that take more than one request: a modern server ends its answer with questions, the handlers
 * answer them, and the request is made again with the answers.
 *
 * Guarantees: handlers are asked at the same time, and are aborted when nobody waits any more; a
 * `requestState` goes back byte for byte, and only with the request it belongs to; rounds are bounded. A
 * request is never repeated from its beginning once the server has asked something.
 *
 * Source: MCP 2026-07-28, basic/patterns/mrtr.
 *
 * @module
 */

import { MULTI_ROUND_METHODS } from "../protocol/modern.ts";
import { AichakuError, excerpt, faultError, messageOf } from "./errors.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";
import { onAbort } from "./on_abort.ts";
import type { Peer } from "./peer.ts";
import { raceSignal } from "./scope.ts";
import { NotSent } from "./transport.ts";

/** Times that a server may ask for more in one call; the daemon has the same limit. */
const MAX_ROUNDS = 8;
/** Questions that a server may ask at once. */
const MAX_QUESTIONS = 100;

/** Options of {@linkcode inRounds}. */
export interface RoundsOptions {
  method: string;
  /** Name of the server, for errors. */
  server: string;
  /** Answers. */
  peer: Peer;
  /** Ends it; its reason is thrown. */
  signal: AbortSignal;
}

/**
 * Makes a request until it is complete.
 *
 * @param ask Makes it once, with what is added to its `params`.
 * @returns the result without `resultType`.
 * @throws {AichakuError} `upstream_invalid` when the server asks what it may not, or has not enough;
 * `aborted` when a handler threw; what `ask` throws.
 */
export async function inRounds(
  ask: (more: JsonObject) => Promise<JsonObject>,
  options: RoundsOptions,
): Promise<JsonObject> {
  let more: JsonObject = {};
  for (let round = 0; round <= MAX_ROUNDS; round++) {
    const { resultType = "complete", ...result } = await ask(more).catch((error) => {
      // Not from the beginning: what was asked and answered is done.
      throw round > 0 && error instanceof NotSent ? error.error : error;
    });
    if (resultType === "complete") return result;
    if (resultType !== "input_required") {
      throw invalid(options, `is of a kind that is not known: ${excerpt(resultType)}`);
    }
    more = await answersTo(result, options);
  }
  throw invalid(options, `asked for more ${MAX_ROUNDS + 1} times`);
}

/** What the request is made again with. */
async function answersTo(result: JsonObject, options: RoundsOptions): Promise<JsonObject> {
  const { inputRequests, requestState } = result;
  if (!MULTI_ROUND_METHODS.has(options.method)) {
    throw invalid(options, "asked for more, which it may not do here");
  }
  if (inputRequests === undefined ? requestState === undefined : !isObject(inputRequests)) {
    throw invalid(options, "asked for more, and did not say what");
  }
  return {
    ...(isObject(inputRequests) ? { inputResponses: await askAll(inputRequests, options) } : {}),
    ...(requestState === undefined ? {} : { requestState }),
  };
}

/** Asks the handlers everything that the server wants to know. @returns results by the server's keys. */
async function askAll(requests: JsonObject, options: RoundsOptions): Promise<JsonObject> {
  const questions = Object.entries(requests);
  if (questions.length > MAX_QUESTIONS) {
    throw invalid(options, `asks ${questions.length} things at once`);
  }
  const controller = new AbortController();
  const { signal } = controller;
  const stop = onAbort(options.signal, () => controller.abort(options.signal.reason));
  try {
    const answers = questions.map(async ([key, question]) =>
      [key, await answerTo(question, { ...options, signal })] as const
    );
    return Object.fromEntries(await raceSignal(Promise.all(answers), signal));
  } catch (error) {
    // One is not answered, so the others are for nothing.
    controller.abort(error);
    throw error;
  } finally {
    stop();
  }
}

async function answerTo(question: unknown, options: RoundsOptions): Promise<JsonObject> {
  if (!isObject(question) || typeof question.method !== "string") {
    throw invalid(options, "asks something that is no request");
  }
  const { method } = question;
  const params = isObject(question.params) ? question.params : {};
  const answer = options.peer.answer(method, params, options.signal);
  if (answer === undefined) {
    throw invalid(options, `asks ${excerpt(method)}, which this client did not declare`);
  }
  try {
    return await answer;
  } catch (cause) {
    // In this era an answer cannot be an error, so it is the call that fails.
    if (cause instanceof AichakuError) throw cause;
    throw new AichakuError(
      "aborted",
      `Cannot finish ${options.method} of server ${JSON.stringify(options.server)}: the handler ` +
        `of ${method} threw (${messageOf(cause)})`,
      { cause },
    );
  }
}

function invalid({ method, server }: RoundsOptions, what: string): AichakuError {
  return faultError("rpc", {
    reason: "upstream_invalid",
    message: `The answer of server ${JSON.stringify(server)} to ${method} ${what}`,
    details: { server },
  });
}
