import { equal } from "node:assert/strict";
import { type CommandContext, rewritesLines } from "./context.ts";

Deno.test("a line is rewritten in place on a terminal, and not on a dumb one or in a pipe", () => {
  const at = (isErrorTerminal: boolean, variables: Record<string, string>) => {
    const context = { isErrorTerminal, env: { variables: () => variables } };
    return rewritesLines(context as CommandContext);
  };
  equal(at(true, { TERM: "xterm-256color" }), true);
  equal(at(true, {}), true);
  equal(at(true, { TERM: "dumb" }), false);
  equal(at(false, { TERM: "xterm-256color" }), false);
});
