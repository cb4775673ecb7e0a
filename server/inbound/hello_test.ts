import { deepEqual, equal, throws } from "node:assert/strict";
import { type Gate, readHello } from "./hello.ts";

const TOKEN = "the-daemons-own-token";
const SOCKET: Gate = { token: TOKEN, required: false };
const TCP: Gate = { token: TOKEN, required: true };
const line = (said: unknown) => JSON.stringify({ aichaku: said });

Deno.test("a first line names server and project, each if it likes", () => {
  const project = "/some/where";
  deepEqual(readHello(line({ server: "x", project }), SOCKET), { server: "x", project });
  deepEqual(readHello(line({}), SOCKET), { server: undefined, project: undefined });
  deepEqual(readHello(line({ server: "" }), SOCKET), { server: undefined, project: undefined });
  deepEqual(readHello(line({ token: TOKEN }), TCP), { server: undefined, project: undefined });
});

Deno.test("a first line names the session that it takes up", () => {
  const said = { server: "x", project: undefined, session: "s" };
  deepEqual(readHello(line({ server: "x", session: "s" }), SOCKET), said);
  throws(() => readHello(line({ session: 7 }), SOCKET), /"session" must be a text/);
  throws(() => readHello(line({ session: "s" }), TCP), /must carry the daemon's token/);
});

Deno.test("anything else is a message, for whoever reads messages", () => {
  const texts = [
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","method":"x","params":{"aichaku":{}}}',
    '{"aichaku":{},"jsonrpc":"2.0","id":1,"method":"ping"}',
    '["aichaku"]',
    '{"aichaku":',
    "",
  ];
  for (const text of texts) equal(readHello(text, SOCKET), undefined, text);
  for (const text of texts) {
    throws(() => readHello(text, TCP), /must carry the daemon's token/, text);
  }
});

Deno.test("a token that is wrong is refused, where none is needed as well", () => {
  for (const token of [`${TOKEN}x`, TOKEN.slice(1), "", 7, null, [TOKEN]]) {
    for (const gate of [SOCKET, TCP]) {
      throws(() => readHello(line({ token }), gate), /the token is wrong/, String(token));
    }
  }
});

Deno.test("whoever has no token learns nothing but that", () => {
  throws(() => readHello(line({ sever: "x" }), TCP), /must carry the daemon's token/);
});
