#!/usr/bin/env node
/**
 * Starts the program that npm installed for this system (an optional dependency) with the same
 * arguments, input, output and exit code.
 *
 * Where Node can (22.15 and later, not on Windows), the program takes this process's place, so that no
 * Node stays behind a stdio bridge. Elsewhere this process waits for it and passes signals on.
 */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const SYSTEMS = { linux: "linux", darwin: "macos", win32: "windows" };
const target = `${SYSTEMS[process.platform] ?? process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "aichaku.exe" : "aichaku";

function findProgram() {
  try {
    return createRequire(import.meta.url).resolve(`@aichaku/cli-${target}/bin/${file}`);
  } catch {
    console.error(
      `aichaku: no program for ${target} was installed. There are programs for linux-x64 and ` +
        `linux-arm64 (with glibc), macos-x64, macos-arm64 and windows-x64. If yours is one of them, ` +
        `npm left out optional dependencies; run: npm install aichaku --include=optional`,
    );
    process.exit(1);
  }
}

function wait(program) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to both; whoever signals only this process means the program. Before it is
    // started, because it may be signalled at once; these are called later, from the event loop.
    process.on(signal, () => child.kill(signal));
  }
  const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
  child.on("error", (error) => {
    console.error(`aichaku: cannot start ${program}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const program = findProgram();
if (process.platform !== "win32" && typeof process.execve === "function") {
  process.execve(program, [program, ...process.argv.slice(2)], process.env);
} else {
  wait(program);
}
