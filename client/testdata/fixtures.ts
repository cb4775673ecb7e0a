/**
 * What several tests of the SDK need: homes of their own, and the test server as a child process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { AichakuError, type ErrorKind, type SpawnedProcess, type SpawnSpec } from "../mod.ts";
import { type Peer, peerOf, type PeerOptions } from "../peer.ts";

/** A temporary folder, removed at the end of the block. */
export class TempDir implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "aichaku-sdk-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Path of a file of this folder. */
export function testdata(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** How to start the stdio server of the tests. */
export function stdioServer(behaviour = "normal"): SpawnSpec {
  return {
    command: Deno.execPath(),
    args: ["run", "--allow-all", "--no-check", testdata("stdio_server.ts"), behaviour],
  };
}

/** A client as its server sees it. */
export function testPeer(options: Partial<PeerOptions> = {}): Peer {
  const clientInfo = { name: "test", version: "0" };
  return peerOf({
    clientInfo,
    handlers: {},
    capabilities: {},
    onNotification: undefined,
    ...options,
  });
}

/** The same, started through `Deno.Command`: the hook as docs/sdk.md shows it. */
export function denoProcess({ command, args = [], env, cwd }: SpawnSpec): SpawnedProcess {
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdin = child.stdin.getWriter();
  const encoder = new TextEncoder();
  return {
    stdin: {
      write: (text) => stdin.write(encoder.encode(text)),
      end: () => stdin.close(),
    },
    stdout: child.stdout,
    stderr: child.stderr,
    exit: child.status,
    kill(signal) {
      try {
        child.kill(signal);
      } catch (error) {
        // It has ended already.
        if (!(error instanceof TypeError)) throw error;
      }
    },
    ref: () => child.ref(),
    unref: () => child.unref(),
  };
}

/** The error that `promise` rejects with, which must be an {@linkcode AichakuError} of this kind. */
export async function rejection(promise: Promise<unknown>, kind: ErrorKind): Promise<AichakuError> {
  const error = await promise.then(() => undefined, (error) => error);
  assert.ok(error instanceof AichakuError, `rejects with an AichakuError, not ${error}`);
  assert.equal(error.kind, kind, error.message);
  return error;
}

/** A port of the loopback address that nobody listens on. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
