import { deepEqual, equal } from "node:assert/strict";
import type { LoginShellOutcome } from "../../platform/login_shell.ts";
import { FakeLog } from "../../tests/fixtures/instances.ts";
import { noteWanted, UserEnvironment, type Variables } from "./user_environment.ts";

const OWN = {
  SHELL: "/bin/zsh",
  PATH: "/venv/bin:/usr/bin:relative::/usr/bin",
  HOME: "/h",
  T: "1",
};
const LOGIN = { PATH: "/opt/bin:/usr/bin", HOME: "/h", LANG: "de", T: "2", ONLY: "login" };

/** An environment whose shell answers in turn. */
function bench(answers: LoginShellOutcome[], own: Variables = OWN) {
  const log = new FakeLog();
  let asked = 0;
  const environment = new UserEnvironment({
    own,
    log,
    delimiter: ":",
    askShell: () => Promise.resolve(answers[asked++]),
  });
  return { environment, log, asked: () => asked };
}

Deno.test("children find what the login shell finds, and after it what only the daemon knows", async () => {
  const { environment, asked } = bench([{ variables: LOGIN }]);
  equal(asked(), 0, "asked although nobody needs it");
  const expected = {
    SHELL: "/bin/zsh",
    PATH: "/opt/bin:/usr/bin:/venv/bin",
    HOME: "/h",
    LANG: "de",
    T: "2",
    ONLY: "login",
  };
  deepEqual(await Promise.all([environment.forChildren(), environment.forChildren()]), [
    expected,
    expected,
  ]);
  equal(asked(), 1);
});

Deno.test("a reference is what was set for the start, else what the login shell knows", async () => {
  const { environment } = bench([{ variables: LOGIN }]);
  deepEqual(environment.forReferences(), OWN);
  equal(environment.isComplete, false);
  await environment.complete();
  equal(environment.isComplete, true);
  const { T, ONLY, PATH } = environment.forReferences();
  deepEqual({ T, ONLY, PATH }, { T: "1", ONLY: "login", PATH: "/opt/bin:/usr/bin:/venv/bin" });
  equal(environment.adds(["NOBODYS", "T"]), false);
  equal(environment.adds(["NOBODYS", "ONLY"]), true);
  equal(environment.adds(["PATH"]), true);
});

Deno.test("a shell that does not answer is told once, and asked again when somebody wants it", async () => {
  const { environment, log, asked } = bench([{ problem: "/bin/zsh is slow" }, {
    variables: LOGIN,
  }]);
  environment.askAgain();
  deepEqual(await environment.forChildren(), OWN);
  deepEqual(await environment.forChildren(), OWN);
  equal(asked(), 1);
  deepEqual(log.lines.map(({ level, fields }) => [level, fields.reason]), [
    ["warn", "/bin/zsh is slow"],
  ]);
  environment.askAgain();
  equal((await environment.forChildren()).ONLY, "login");
  environment.askAgain();
  equal((await environment.forChildren()).ONLY, "login");
  equal(asked(), 2);
});

Deno.test("without SHELL there is nothing amiss", async () => {
  const { environment, log } = bench([{ problem: "SHELL is not set" }], { PATH: "/bin" });
  deepEqual(await environment.forChildren(), { PATH: "/bin" });
  deepEqual(log.lines.map(({ level }) => level), ["info"]);
});

Deno.test("a daemon that ends ends the shell, and says nothing of it", async () => {
  const log = new FakeLog();
  const environment = new UserEnvironment({
    own: OWN,
    log,
    askShell: (signal) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ problem: "was ended" }))
      ),
  });
  const children = environment.forChildren();
  await environment[Symbol.asyncDispose]();
  deepEqual(await children, OWN);
  deepEqual(log.lines, []);
});

Deno.test("what is looked up in vain is noted, and the PATH in any case", () => {
  const { variables, wanted } = noteWanted({ A: "a", PATH: "/bin" });
  equal(variables.A, "a");
  equal(Object.hasOwn(variables, "A"), true);
  deepEqual([...wanted], []);
  equal(Object.hasOwn(variables, "B"), false);
  equal("C" in variables, false);
  equal(variables.D, undefined);
  equal(variables.PATH, "/bin");
  deepEqual([...wanted], ["B", "C", "D", "PATH"]);
});
