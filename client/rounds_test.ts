import assert from "node:assert/strict";

import { AichakuError } from "./errors.ts";
import type { JsonObject } from "./jsonrpc.ts";
import { inRounds } from "./rounds.ts";
import type { Handlers } from "./peer.ts";
import { rejection, testPeer } from "./testdata/fixtures.ts";
import { NotSent } from "./transport.ts";

const ELICIT = { method: "elicitation/create", params: { message: "Name?" } };
const SAMPLE = { method: "sampling/createMessage", params: {} };

function needs(inputRequests?: unknown, requestState?: unknown): JsonObject {
  return {
    resultType: "input_required",
    ...(inputRequests === undefined ? {} : { inputRequests }),
    ...(requestState === undefined ? {} : { requestState }),
  };
}

/** Plays a server that gives these results, one after the other; and what it was asked with. */
function play(
  results: (JsonObject | Error)[],
  { handlers = {}, method = "tools/call", signal = new AbortController().signal }: {
    handlers?: Handlers;
    method?: string;
    signal?: AbortSignal;
  } = {},
) {
  const asked: JsonObject[] = [];
  const peer = testPeer({ handlers });
  const result = inRounds((more) => {
    asked.push(more);
    const next = results[Math.min(asked.length, results.length) - 1];
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  }, { method, server: "tester", peer, signal });
  return { result, asked };
}

Deno.test("rounds: a complete answer is the result, whether it says so or not", async () => {
  for (const resultType of ["complete", undefined]) {
    const { result, asked } = play([{ resultType, content: [] }]);
    assert.deepEqual(await result, { content: [] });
    assert.deepEqual(asked, [{}]);
  }
});

Deno.test("rounds: questions go to their handlers, and their answers back by the server's keys", async () => {
  const { result, asked } = play([
    needs({ who: ELICIT, what: SAMPLE }, "{state: 1}\u0000"),
    needs({ where: { method: "roots/list" } }),
    { content: [] },
  ], {
    handlers: {
      elicitation: ({ message }) => ({ action: "accept", content: { message } }),
      sampling: (_params, { method }) => ({ role: "assistant", method }),
      roots: [{ uri: "file:///work" }],
    },
  });
  assert.deepEqual(await result, { content: [] });
  assert.deepEqual(asked, [
    {},
    {
      inputResponses: {
        who: { action: "accept", content: { message: "Name?" } },
        what: { role: "assistant", method: "sampling/createMessage" },
      },
      requestState: "{state: 1}\u0000",
    },
    // The state of a round belongs to that round.
    { inputResponses: { where: { roots: [{ uri: "file:///work" }] } } },
  ]);
});

Deno.test("rounds: a server that only wants to be asked again is asked again", async () => {
  const { result, asked } = play([needs(undefined, "later"), { content: [] }]);
  await result;
  assert.deepEqual(asked, [{}, { requestState: "later" }]);
});

Deno.test("rounds: a server that never has enough is given up", async () => {
  const { result, asked } = play([needs(undefined, "again")]);
  const error = await rejection(result, "rpc");
  assert.equal(error.reason, "upstream_invalid");
  assert.match(error.message, /to tools\/call asked for more 9 times/);
  assert.equal(asked.length, 9);
});

const WRONG: [string, JsonObject, RegExp, string?][] = [
  ["of an unknown kind", { resultType: "maybe" }, /is of a kind that is not known: maybe/],
  ["that asks nothing", needs(), /did not say what/],
  ["that asks no map", needs([ELICIT], "s"), /did not say what/],
  ["that asks no request", needs({ a: "who?" }), /asks something that is no request/],
  ["that asks what was not declared", needs({ a: SAMPLE }), /asks sampling.*did not declare/],
  ["that may not ask", needs(undefined, "s"), /which it may not do here/, "tools/list"],
];
for (const [what, answer, message, method] of WRONG) {
  Deno.test(`rounds: an answer ${what} is an error of the server's`, async () => {
    const error = await rejection(play([answer], { method }).result, "rpc");
    assert.equal(error.reason, "upstream_invalid");
    assert.match(error.message, message);
  });
}

Deno.test("rounds: a handler that throws fails the call, and the others are told", async () => {
  const aborted = Promise.withResolvers<void>();
  const failure = new Error("the terminal is gone");
  const { result, asked } = play([needs({ a: ELICIT, b: SAMPLE })], {
    handlers: {
      elicitation: () => Promise.reject(failure),
      sampling: (_params, { signal }) =>
        new Promise(() => signal.addEventListener("abort", () => aborted.resolve())),
    },
  });
  const error = await rejection(result, "aborted");
  assert.match(error.message, /the handler of elicitation\/create threw \(the terminal is gone\)/);
  assert.equal(error.cause, failure);
  await aborted.promise;
  assert.equal(asked.length, 1);
  const own = new AichakuError("rpc", "User rejected", { code: -1 });
  const rejected = play([needs({ a: ELICIT })], {
    handlers: { elicitation: () => Promise.reject(own) },
  });
  await assert.rejects(rejected.result, own);
});

Deno.test("rounds: a caller that leaves aborts the handlers", async () => {
  const controller = new AbortController();
  const reason = new AichakuError("aborted", "enough");
  const seen = Promise.withResolvers<unknown>();
  const { result } = play([needs({ a: ELICIT })], {
    signal: controller.signal,
    handlers: {
      elicitation(_params, { signal }) {
        signal.addEventListener("abort", () => seen.resolve(signal.reason));
        queueMicrotask(() => controller.abort(reason));
        return new Promise(() => {});
      },
    },
  });
  await assert.rejects(result, reason);
  assert.equal(await seen.promise, reason);
});

Deno.test("rounds: only the first request may be made again from the beginning", async () => {
  const lost = new NotSent(new AichakuError("connection_lost", "lost"));
  await assert.rejects(play([lost]).result, lost);
  // A user who was asked is not asked again.
  const { result } = play([needs(undefined, "s"), lost]);
  await assert.rejects(result, lost.error);
});
