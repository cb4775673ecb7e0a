import { deepEqual, equal, throws } from "node:assert/strict";
import { MessageFault } from "../../protocol/message.ts";
import { answersOf } from "./batch.ts";
import { checkBatch, parseIncoming } from "./incoming.ts";

Deno.test("a message is a message, an array a batch of what it holds", () => {
  equal(parseIncoming('{"jsonrpc":"2.0","id":1,"method":"ping"}').kind, "request");
  const incoming = parseIncoming(
    ' \n[{"jsonrpc":"2.0","id":1,"method":"ping"},7,[],{"jsonrpc":"2.0","method":"n"},' +
      '{"jsonrpc":"2.0","id":"i","method":"initialize"}]',
  );
  equal(incoming.kind, "batch");
  if (incoming.kind !== "batch") return;
  const kinds = incoming.batch.map((item) => item instanceof MessageFault ? item.id : item.kind);
  deepEqual(kinds, ["request", "null", "null", "notification", '"i"']);
  equal(answersOf(incoming.batch), 4);
});

Deno.test("an empty batch, a broken one and a very large one are faults", () => {
  throws(() => parseIncoming("[]"), /it is empty/);
  throws(() => parseIncoming("[1"), { reason: "parse_error" });
  throws(() => parseIncoming(`[${Array(257).fill("1").join(",")}]`), /256 is the most/);
});

Deno.test("only 2025-03-26 has batches", () => {
  const session = (protocolVersion: string | undefined) => ({ protocolVersion });
  checkBatch(session("2025-03-26"));
  for (const version of ["2024-11-05", "2025-06-18", "2025-11-25"]) {
    throws(() => checkBatch(session(version)), new RegExp(`negotiated ${version}; send one`));
  }
  throws(() => checkBatch(session(undefined)), /send initialize first/);
  throws(() => checkBatch(undefined), /send initialize first/);
});
