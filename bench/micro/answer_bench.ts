/**
 * A server's answer: our id is found and replaced by the client's, without parsing what stands between.
 *
 * @module
 */

import { findAnswerId, replaceAnswerId } from "../../protocol/answer.ts";
import { SAMPLES } from "./sample.ts";

const CLIENTS_ID = '"the client\'s id"';

for (const { name, answer, answerIdLast } of SAMPLES) {
  const group = `an answer, ${name}`;
  Deno.bench("parsing and writing it", { group, baseline: true }, () => {
    JSON.stringify({ ...JSON.parse(answer), id: CLIENTS_ID });
  });
  Deno.bench("id at the head", { group }, () => replace(answer));
  Deno.bench("id at the end", { group }, () => replace(answerIdLast));
}

function replace(text: string): void {
  const found = findAnswerId(text);
  if (found?.id !== 4711) throw new Error("The short way of an answer is not what is measured");
  replaceAnswerId(text, found, CLIENTS_ID);
}
