import { equal } from "node:assert/strict";
import { Fault } from "../../protocol/errors.ts";
import { seemsToAnswer, wasRefusedByDraining } from "./stdio_bridge_faults.ts";

Deno.test("only the daemon's own word says that a call was not begun", () => {
  equal(wasRefusedByDraining(new Fault("draining", "Stopping").toResponseText("1")), true);
  const executed = new Fault("draining", "Restarted", { retryable: false }).toResponseText("1");
  equal(wasRefusedByDraining(executed), false);
  equal(wasRefusedByDraining('{"jsonrpc":"2.0","id":1,"result":{"state":"draining"}}'), false);
  // Python writes NaN, and the daemon passes answers on unread.
  equal(wasRefusedByDraining('{"jsonrpc":"2.0","id":1,"result":["draining",NaN]}'), false);
});

Deno.test("an unreadable answer names its request at its head or at its very end", () => {
  equal(seemsToAnswer('{"jsonrpc":"2.0","id":"a","result":NaN}', '"a"'), true);
  equal(seemsToAnswer('{"result":NaN,"jsonrpc":"2.0","id":12}', "12"), true);
  equal(seemsToAnswer('{"result":NaN,"id":12,"jsonrpc":"2.0"}', "12"), true);
  equal(seemsToAnswer('{"result":NaN,"jsonrpc":"2.0","id":12}', "2"), false);
  equal(seemsToAnswer('{"jsonrpc":"2.0","id":1,"result":{"x":NaN,"id":12}}', "12"), false);
});
