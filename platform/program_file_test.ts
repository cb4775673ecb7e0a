import { equal } from "node:assert/strict";
import { programFile, type ProgramFileOptions } from "./program_file.ts";

const NODE = "C:\\Program Files\\nodejs";
const FILES = [
  `${NODE}\\node.exe`,
  `${NODE}\\npx`,
  `${NODE}\\npx.cmd`,
  "C:\\tools\\npx.ps1",
  "C:\\tools\\uvx.exe",
  "C:\\work\\server.bat",
  "C:\\work\\bin\\own.CMD",
];

/** Windows takes names in whatever case, and both separators. */
function canonical(path: string): string {
  return path.toLowerCase().replaceAll("/", "\\").replaceAll("\\.\\", "\\");
}

function onWindows(command: string, given: Partial<ProgramFileOptions> = {}): string {
  return programFile(command, {
    path: `C:\\tools;"${NODE}";bin`,
    cwd: "C:\\work",
    os: "windows",
    isFile: (path) => FILES.some((file) => canonical(file) === canonical(path)),
    ...given,
  });
}

Deno.test("Windows: npx is npx.cmd, with its path, and not the shell script beside it", () => {
  equal(onWindows("npx").toLowerCase(), `${NODE}\\npx.cmd`.toLowerCase());
  equal(onWindows("npx.cmd"), `${NODE}\\npx.cmd`);
  equal(onWindows("NPX.CMD"), `${NODE}\\NPX.CMD`);
});

Deno.test("Windows: a program is found in the order of PATH and of PATHEXT", () => {
  equal(onWindows("uvx"), "C:\\tools\\uvx.EXE");
  equal(onWindows("own"), "C:\\work\\bin\\own.CMD");
  equal(onWindows("npx", { pathExt: ".PS1;.CMD" }), "C:\\tools\\npx.PS1");
});

Deno.test("Windows: a path is taken from the folder of the child, a bare name never", () => {
  equal(onWindows(".\\server"), "C:\\work\\.\\server.BAT");
  equal(onWindows("bin/own"), "C:\\work\\bin/own.CMD");
  equal(onWindows("C:\\work\\server"), "C:\\work\\server.BAT");
  equal(onWindows("server"), "server");
});

Deno.test("what is not found is left as it is, for the error of the start", () => {
  equal(onWindows("nothing"), "nothing");
  equal(onWindows("npx", { path: undefined }), "npx");
});

Deno.test("elsewhere the system looks by itself", () => {
  for (const os of ["linux", "darwin"] as const) equal(onWindows("npx", { os }), "npx");
});
