import { deepEqual } from "node:assert/strict";
import { type Glimpse, glimpseOf } from "./stdio_bridge_line_ends.ts";

const LONG = "x".repeat(1_000);

/** What the two ends that the bridge keeps of a line say. */
function glimpse(line: string): Glimpse {
  return glimpseOf({ head: line.slice(0, 200), tail: line.slice(-200) });
}

const request = (id?: string) => ({ isAnswer: false, id });
const answer = (id?: string) => ({ isAnswer: true, id });

Deno.test("an id is found where clients write it, before or after what is long", () => {
  const cases: [line: string, seen: Glimpse][] = [
    [`{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"${LONG}"}}`, request("7")],
    [`{"jsonrpc":"2.0","method":"m","id":7,"params":{"a":"${LONG}"}}`, request("7")],
    [`{"method":"m","params":{"a":"${LONG}"},"jsonrpc":"2.0","id":0}`, request("0")],
    [`{"params":{"a":"${LONG}"},"method":"m","id":"a\\"b","jsonrpc":"2.0"}`, request('"a\\"b"')],
    [`{"jsonrpc": "2.0", "id": -7, "method": "m", "params": {"a": "${LONG}"}}`, request("-7")],
    [`{"jsonrpc":"2.0","id":"aichaku-1","result":{"a":"${LONG}"}}`, answer('"aichaku-1"')],
    [`{"id":"\\u0061","jsonrpc":"2.0","error":{"message":"${LONG}"}}`, answer('"a"')],
    [`{"result":{"a":"${LONG}"},"jsonrpc":"2.0","id":"aichaku-1"}`, answer('"aichaku-1"')],
    [`{"result": {"a": "${LONG}"}, "id": 12345678901234567890}`, answer("12345678901234567890")],
  ];
  for (const [line, seen] of cases) deepEqual(glimpse(line), seen, line);
});

Deno.test("what stands within a member, or may, is no id", () => {
  const cases: [line: string, seen: Glimpse][] = [
    [`{"jsonrpc":"2.0","method":"m","params":{"id":7,"result":"${LONG}","a":1,"id":7}}`, request()],
    [`{"result":{"id":7,"a":"${LONG}"},"jsonrpc":"2.0"}`, answer()],
    [`{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"${LONG}"},"id":8}`, request()],
    [`{"jsonrpc":"2.0","id":"${LONG}","result":{}}`, request()],
    [`{"a":"${LONG},\\"id\\":7}`, request()],
    [`[{"id":7,"result":"${LONG}"}]`, request()],
    [LONG, request()],
    ["", request()],
  ];
  for (const [line, seen] of cases) deepEqual(glimpse(line), seen, line);
});
