import { equal, match, notEqual, throws } from "node:assert/strict";
import { join } from "@std/path";
import { DaemonProblem } from "./problem.ts";
import { ensureToken, readToken } from "./token.ts";

async function inFolder(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(join(folder, "token"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the token is made once, for the owner's eyes only, and kept", () =>
  inFolder((path) => {
    const token = ensureToken(path);
    match(token, /^[A-Za-z0-9_-]{43}$/);
    equal(ensureToken(path), token);
    equal(readToken(path), token);
    if (Deno.build.os !== "windows") equal(Deno.statSync(path).mode! & 0o777, 0o600);
  }));

Deno.test("two homes have two tokens", () =>
  inFolder((path) => notEqual(ensureToken(path), ensureToken(path + "2"))));

Deno.test("an empty or torn file is replaced", () =>
  inFolder((path) => {
    for (const rubbish of ["", "abc", "with white space in the middle of it"]) {
      Deno.writeTextFileSync(path, rubbish);
      equal(readToken(path), undefined);
      match(ensureToken(path), /^[A-Za-z0-9_-]{43}$/);
      Deno.removeSync(path);
    }
  }));

Deno.test("a token from the environment is used, and the file tells everyone else", () =>
  inFolder((path) => {
    ensureToken(path);
    equal(ensureToken(path, "chosen-by-the-user"), "chosen-by-the-user");
    equal(readToken(path), "chosen-by-the-user");
  }));

Deno.test("a token that could be guessed or not be sent is refused, without showing it", () =>
  inFolder((path) => {
    for (const bad of ["short", "white space in it", "käse-käse-käse-käse"]) {
      throws(() => ensureToken(path, bad), (error: Error) => {
        equal(error instanceof DaemonProblem, true);
        equal(error.message.includes(bad), false);
        return true;
      });
    }
    equal(readToken(path), undefined);
  }));
