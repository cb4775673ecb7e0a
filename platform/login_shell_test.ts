import { deepEqual, equal, match } from "node:assert/strict";
import { eventually } from "../tests/e2e/support/within.ts";
import { FakeClock, settle } from "../tests/fixtures/fake_clock.ts";
import {
  loginShellVariables,
  parseVariables,
  type ShellProcess,
  type SpawnShell,
} from "./login_shell.ts";
import { processStartTime } from "./process.ts";

/** A shell that prints what the test says. */
class FakeShell {
  readonly started: { shell: string; args: string[]; env: Record<string, string>; cwd: string }[] =
    [];
  readonly noted: string[] = [];
  ignoresHangUp = false;
  readonly #end = Promise.withResolvers<string>();
  readonly #stdout = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: 100,
  });
  readonly #writer = this.#stdout.writable.getWriter();

  spawn: SpawnShell = (shell, options): ShellProcess => {
    this.started.push({ shell, ...options });
    return {
      pid: 7,
      stdout: this.#stdout.readable,
      ended: this.#end.promise,
      hangUp: () => {
        this.noted.push("hung up");
        if (!this.ignoresHangUp) this.#end.resolve("was ended by SIGHUP");
      },
      kill: () => {
        this.noted.push("killed");
        this.#end.resolve("was ended by SIGKILL");
      },
    };
  };

  children = {
    add: (pid: number) => void this.noted.push(`child ${pid}`),
    remove: (pid: number) => void this.noted.push(`no child ${pid}`),
  };

  /** What stands before and after the variables, read from the command as the shell would run it. */
  get mark(): string {
    const [, begin, rest] = /printf %s%s (\S+) ([^;\s]+);/.exec(this.started[0].args.at(-1)!)!;
    return begin + rest;
  }

  print(text: string): void {
    // Rejects when nobody reads any more, as writing to a closed pipe does.
    this.#writer.write(new TextEncoder().encode(text)).catch(() => {});
  }

  end(how = "exited with code 0"): void {
    this.#writer.close().catch(() => {}); // See above.
    this.#end.resolve(how);
  }
}

const OWN = { SHELL: "/bin/zsh", USER: "ada", PATH: "/desktop/bin", SECRET: "s", LANG: "C" };

function ask(shell: FakeShell, changes: Partial<Parameters<typeof loginShellVariables>[0]> = {}) {
  return loginShellVariables({
    variables: OWN,
    home: "/home/ada",
    spawn: shell.spawn,
    children: shell.children,
    clock: new FakeClock(),
    os: "linux",
    ...changes,
  });
}

Deno.test("what start-up files print, before and after, is no part of the variables", async () => {
  const shell = new FakeShell();
  const outcome = ask(shell);
  shell.print(`PATH=/noise\0welcome\n${shell.mark.slice(0, 20)}`);
  shell.print(`${shell.mark}PATH=/my/bin:/bin\0NAME=ü\nB=2\0SHLVL=3\0_=/usr/bin/env\0PWD=/x\0`);
  shell.print(`F=() { :; }\0BASH_FUNC_f%%=() { :; }\0TERM=dumb\0EMPTY=\0${shell.mark}bye`);
  shell.end();
  deepEqual(await outcome, { variables: { PATH: "/my/bin:/bin", NAME: "ü\nB=2", EMPTY: "" } });
  deepEqual(shell.noted, ["child 7", "no child 7"]);
});

Deno.test("a shell begins as for a login: nothing of the terminal or desktop it is asked from", async () => {
  const shell = new FakeShell();
  const outcome = ask(shell);
  shell.end();
  await outcome;
  const [{ shell: program, args, env, cwd }] = shell.started;
  equal(program, "/bin/zsh");
  deepEqual(args.slice(0, 3), ["-l", "-i", "-c"]);
  equal(args[3].includes(shell.mark), false, "a shell that shows its command would show the mark");
  equal(cwd, "/home/ada");
  deepEqual(env, {
    HOME: "/home/ada",
    SHELL: "/bin/zsh",
    USER: "ada",
    LANG: "C",
    PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    TERM: "dumb",
    AICHAKU_RESOLVING_ENV: "1",
  });
});

Deno.test("a shell that does not answer is ended after ten seconds", async () => {
  const shell = new FakeShell();
  const clock = new FakeClock();
  const outcome = ask(shell, { clock });
  shell.print("Update now? [Y/n] ");
  await settle();
  clock.advance(9_999);
  await settle();
  deepEqual(shell.noted, ["child 7"]);
  clock.advance(1);
  deepEqual(await outcome, {
    problem: "/bin/zsh did not print its variables within 10 s and was ended",
  });
  deepEqual(shell.noted, ["child 7", "hung up", "no child 7"]);
  equal(clock.pending, 0);
});

Deno.test("a shell that answered and does not end is ended a moment later", async () => {
  const shell = new FakeShell();
  const clock = new FakeClock();
  const outcome = ask(shell, { clock });
  shell.print(`${shell.mark}PATH=/bin\0${shell.mark}`);
  await eventually(() => clock.pending === 2, "the wait for its end");
  clock.advance(500);
  deepEqual(await outcome, { variables: { PATH: "/bin" } });
  deepEqual(shell.noted, ["child 7", "killed", "no child 7"]);
});

Deno.test("a shell that does not care for the end of its terminal is killed a moment later", async () => {
  const shell = new FakeShell();
  shell.ignoresHangUp = true;
  const clock = new FakeClock();
  const outcome = ask(shell, { clock });
  await settle();
  clock.advance(10_000);
  await eventually(() => clock.pending === 1, "the wait for its end");
  deepEqual(shell.noted, ["child 7", "hung up"]);
  clock.advance(500);
  match(JSON.stringify(await outcome), /was ended/);
  deepEqual(shell.noted, ["child 7", "hung up", "killed", "no child 7"]);
});

Deno.test("a shell that nobody waits for any more is ended", async () => {
  const shell = new FakeShell();
  const controller = new AbortController();
  const outcome = ask(shell, { signal: controller.signal });
  controller.abort();
  deepEqual(await outcome, { problem: "/bin/zsh was ended: nobody needs its variables" });
  deepEqual(shell.noted, ["child 7", "hung up", "no child 7"]);
});

Deno.test("a shell that ends, prints too much or prints no variables is told", async () => {
  const ended = new FakeShell();
  let outcome = ask(ended);
  ended.print(`${ended.mark}PATH=/half`);
  ended.end("exited with code 3");
  deepEqual(await outcome, { problem: "/bin/zsh exited with code 3 and printed no variables" });

  const endless = new FakeShell();
  outcome = ask(endless);
  for (let i = 0; i < 70; i++) endless.print("y".repeat(64 * 1024));
  match(JSON.stringify(await outcome), /printed more than 4194304 characters and was ended/);
  deepEqual(endless.noted, ["child 7", "hung up", "no child 7"]);

  const without = new FakeShell();
  outcome = ask(without);
  without.print(without.mark + without.mark);
  without.end();
  deepEqual(await outcome, { problem: "/bin/zsh printed no variables" });
});

Deno.test("where there is no shell to ask, none is started, and the reason is told", async () => {
  const shell = new FakeShell();
  const problems: [object, RegExp][] = [
    [{ variables: { SHELL: undefined } }, /^SHELL is not set$/],
    [{ variables: { SHELL: "" } }, /^SHELL is not set$/],
    [{ variables: { SHELL: "zsh" } }, /^SHELL is "zsh", not an absolute path$/],
    [{ variables: { SHELL: "/bin/false" } }, /no login is allowed/],
    [{ variables: { SHELL: "/usr/sbin/nologin" } }, /no login is allowed/],
    [{ variables: { ...OWN, AICHAKU_RESOLVING_ENV: "1" } }, /a login shell started this process/],
    [{ os: "windows" }, /no login shell on Windows/],
  ];
  for (const [changes, expected] of problems) {
    const outcome = await ask(shell, changes);
    match("problem" in outcome ? outcome.problem : "", expected);
  }
  deepEqual(shell.started, []);
  const missing = await loginShellVariables({
    variables: { SHELL: "/nonexistent/zsh" },
    home: "/",
    os: "linux",
  });
  match(JSON.stringify(missing), /\/nonexistent\/zsh cannot be started/);
});

Deno.test("an env without -0 prints lines; those that begin no variable go on with the last", () => {
  deepEqual(parseVariables("A=1\nB=two\nlines\n\nC=\n"), { A: "1", B: "two\nlines\n", C: "" });
  deepEqual(parseVariables(""), {});
});

/** Lets the real bash do `profile` in a home of its own; `meanwhile` is given the file `note` in it. */
async function askBash(
  profile: string,
  { clock, meanwhile = () => Promise.resolve() }: {
    clock?: FakeClock;
    meanwhile?: (note: string) => Promise<void>;
  } = {},
) {
  const home = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${home}/.bash_profile`, profile);
    const variables = { SHELL: "/bin/bash", PATH: "/desktop/bin" };
    const outcome = loginShellVariables({ variables, home, clock });
    await meanwhile(`${home}/note`);
    return await outcome;
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** The process id that a profile has noted. */
async function pidIn(note: string): Promise<number> {
  return await eventually(
    async () => Number(await Deno.readTextFile(note).catch(() => "")) || undefined,
    "a process id in the note",
  );
}

const ignore = Deno.build.os === "windows";

Deno.test({ name: "bash reads its start-up files, however chatty they are", ignore }, async () => {
  const outcome = await askBash(`
    echo "Welcome"; env; read -p "Name? " name
    export PATH="$HOME/bin:$PATH" TOKEN="a
b" NAME="$name" WHO="$AICHAKU_RESOLVING_ENV"
    [ -t 0 ] || export TTY=none
    trap 'echo bye' EXIT
    set -v -x
  `);
  if ("problem" in outcome) throw new Error(outcome.problem);
  const { PATH, TOKEN, NAME, WHO, TTY } = outcome.variables;
  match(PATH, /^\/[^:]+\/bin:.*\/usr\/bin/);
  equal(PATH.includes("/desktop/bin"), false);
  deepEqual({ TOKEN, NAME, WHO, TTY }, { TOKEN: "a\nb", NAME: "", WHO: "1", TTY: "none" });
});

Deno.test({ name: "what bash starts in the background holds nobody up", ignore }, async () => {
  let sleeper = 0;
  const outcome = await askBash(
    `sleep 60 & echo $! > "$HOME/note"
     export PATH=/found:$PATH`,
    { clock: new FakeClock(), meanwhile: async (note) => void (sleeper = await pidIn(note)) },
  );
  equal("variables" in outcome && outcome.variables.PATH.startsWith("/found:"), true);
  Deno.kill(sleeper, "SIGKILL"); // Throws when it was ended with the shell: it is the user's.
});

Deno.test({ name: "a bash that hangs is ended with all it started", ignore }, async () => {
  const clock = new FakeClock();
  let sleeper = 0;
  // One that lives on when the terminal is closed, as with `nohup`.
  const outcome = await askBash(
    `(trap "" HUP; exec sleep 60) & echo $! > "$HOME/note"; exec sleep 60`,
    {
      clock,
      meanwhile: async (note) => {
        sleeper = await pidIn(note);
        clock.advance(10_000);
      },
    },
  );
  match(JSON.stringify(outcome), /did not print its variables within 10 s and was ended/);
  await eventually(() => processStartTime(sleeper) === null, "end of what the shell had started");
});

Deno.test({ name: "a bash that hangs can put away what it has begun", ignore }, async () => {
  const clock = new FakeClock();
  let wasUnlocked = false;
  await askBash(
    `trap 'rm "$HOME/lock"; exit' HUP; touch "$HOME/lock"; echo $$ > "$HOME/note"
     while true; do sleep 0.01; done`,
    {
      clock,
      meanwhile: async (note) => {
        const shell = await pidIn(note);
        clock.advance(10_000);
        await eventually(() => processStartTime(shell) === null, "the end of the shell");
        wasUnlocked = await Deno.stat(note.replace(/note$/, "lock")).then(() => false, () => true);
      },
    },
  );
  equal(wasUnlocked, true, "its lock was left behind");
});
