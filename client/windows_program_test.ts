import assert from "node:assert/strict";
import { type GivenCommand, windowsProgram } from "./windows_program.ts";

const NPX = "C:\\Program Files\\nodejs\\npx.cmd";
const FILES = [NPX, "C:\\Program Files\\nodejs\\node.exe", "C:\\work\\server.BAT"];

function onWindows(command: string, args: string[], given: Partial<GivenCommand> = {}) {
  return windowsProgram({
    command,
    args,
    cwd: "C:\\work",
    env: {
      Path: "C:\\Program Files\\nodejs",
      SystemRoot: "D:\\Windows",
      PATHEXT: ".exe;.cmd;.bat",
    },
    isFile: (path) => FILES.some((file) => file.toLowerCase() === path.toLowerCase()),
    ...given,
  });
}

/** The last argument of `cmd.exe`: the line between its outer quotes. */
function lineOf(args: string[]): string {
  const { args: [...all] } = onWindows("npx", args);
  const line = all.at(-1)!;
  assert.ok(line.startsWith(`""${NPX}"`) && line.endsWith('"'), line);
  return line.slice(`""${NPX}"`.length, -1).trimStart();
}

Deno.test("Windows: npx is run by cmd.exe, with its path", () => {
  assert.deepEqual(onWindows("npx", ["-y", "@scope/server@1.2.3", "C:\\a b"]), {
    file: "D:\\Windows\\System32\\cmd.exe",
    args: [
      ...["/e:ON", "/v:OFF", "/d", "/s", "/c"],
      `""${NPX}" -y @scope/server@1.2.3 "C:\\a b""`,
    ],
    windowsVerbatimArguments: true,
  });
  assert.equal(onWindows("C:\\work\\server", []).args.at(-1), '""C:\\work\\server.bat""');
  const { file } = onWindows("npx", [], { env: { PATH: "C:\\Program Files\\nodejs" } });
  assert.equal(file, "C:\\Windows\\System32\\cmd.exe");
});

Deno.test("Windows: a program that is no batch file is started as it is", () => {
  assert.deepEqual(onWindows("node", ["a & b", "%PATH%"]), {
    file: "C:\\Program Files\\nodejs\\node.exe",
    args: ["a & b", "%PATH%"],
    windowsVerbatimArguments: false,
  });
  assert.equal(onWindows("missing", []).file, "missing");
});

Deno.test("Windows: no argument of a batch file is a command", () => {
  const cases: [given: string, line: string][] = [
    ["", '""'],
    ["a&calc", '"a&calc"'],
    ["a|b>c<d^e(f)!", '"a|b>c<d^e(f)!"'],
    ["%PATH%", '"%%cd:~,%PATH%%cd:~,%"'],
    ['"&calc&"', '"""&calc&"""'],
    ['say "hi" & go', '"say ""hi"" & go"'],
    ["ends with \\", '"ends with \\\\"'],
    ['\\"', '"\\\\"""'],
    ["C:\\plain\\path", "C:\\plain\\path"],
    ["C:\\folder\\", '"C:\\folder\\\\"'],
    ["a=b,c;d", '"a=b,c;d"'],
    ["é", '"é"'],
  ];
  for (const [given, line] of cases) assert.equal(lineOf([given]), line);
});

Deno.test("Windows: quotes are closed after every argument, and open wherever a letter has a meaning", () => {
  // cmd.exe goes in and out of quotes at each one; outside, these letters are commands.
  const alphabet = ['"', "&", "%", "\\", " ", "x", "|", "^", "<", ">"];
  const words = alphabet.flatMap((a) => alphabet.flatMap((b) => alphabet.map((c) => a + b + c)));
  for (const word of words) {
    let isQuoted = false;
    for (const letter of lineOf([word])) {
      if (letter === '"') isQuoted = !isQuoted;
      else assert.ok(isQuoted || !/[&|^<>]/.test(letter), `${letter} of ${word}`);
    }
    assert.ok(!isQuoted, word);
  }
});

Deno.test("Windows: what would end the line is refused", () => {
  for (const word of ["a\nb", "a\rb", "a\0b"]) {
    assert.throws(() => onWindows("npx", [word]), /Cannot give the argument .* line end/);
  }
  assert.deepEqual(onWindows("node", ["a\nb"]).args, ["a\nb"]);
});
