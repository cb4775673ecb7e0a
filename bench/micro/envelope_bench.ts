/**
 * A client's message: parsed whole, looked at, and written again with an id of the daemon's.
 *
 * @module
 */

import { nestsDeeperThan, stringifyJson } from "../../protocol/json.ts";
import { parseMessage, type RequestMessage, requestText } from "../../protocol/message.ts";
import { SAMPLES } from "./sample.ts";

for (const { name, call } of SAMPLES) {
  const group = `tools/call, ${name}`;
  const request = parseMessage(call) as RequestMessage;
  Deno.bench("JSON.parse", { group, baseline: true }, () => {
    JSON.parse(call);
  });
  Deno.bench("parseMessage", { group }, () => {
    parseMessage(call);
  });
  Deno.bench("nestsDeeperThan", { group }, () => {
    nestsDeeperThan(request.params, 256);
  });
  Deno.bench("requestText", { group }, () => {
    requestText("4711", request.method, request.params);
  });
  Deno.bench("JSON.parse and JSON.stringify", { group }, () => {
    stringifyJson(JSON.parse(call));
  });
  Deno.bench("parseMessage and requestText", { group }, () => {
    const { method, params } = parseMessage(call) as RequestMessage;
    requestText("4711", method, params);
  });
}
