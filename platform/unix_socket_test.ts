import { deepEqual, equal, match, throws } from "node:assert/strict";
import { join } from "@std/path";
import { listenUnix, maxSocketPathBytes, SocketProblem } from "./unix_socket.ts";

const ignore = Deno.build.os === "windows";

function inFolder(name: string, body: (folder: string) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "sock-" });
      try {
        await body(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

inFolder("only its owner can connect to a socket", (folder) => {
  const path = join(folder, "s");
  using _listener = listenUnix(path);
  const { isSocket, mode } = Deno.lstatSync(path);
  deepEqual([isSocket, mode! & 0o777], [true, 0o600]);
});

inFolder("what a dead process left is replaced, and answers again", async (folder) => {
  const path = join(folder, "s");
  // Deno removes the path it listened on; a process that was killed did not.
  const other = join(folder, "other");
  const dead = Deno.listen({ transport: "unix", path: other });
  Deno.linkSync(other, path);
  dead.close();
  equal(Deno.lstatSync(path).isSocket, true);
  using listener = listenUnix(path);
  const accepting = listener.accept();
  using _client = await Deno.connect({ transport: "unix", path });
  (await accepting).close();
});

inFolder("what is no socket is left alone", (folder) => {
  const path = join(folder, "s");
  Deno.writeTextFileSync(path, "mine");
  throws(() => listenUnix(path), /s is not a socket\. Move it away/);
  Deno.removeSync(path);
  Deno.symlinkSync(join(folder, "elsewhere"), path);
  throws(() => listenUnix(path), SocketProblem);
});

inFolder("the longest path works, and one more byte is explained", (folder) => {
  const max = maxSocketPathBytes();
  const longest = join(folder, "x".repeat(max - folder.length - 1));
  listenUnix(longest).close();
  throws(() => listenUnix(longest + "y"), (error: Error) => {
    equal(error instanceof SocketProblem, true);
    match(error.message, new RegExp(`has ${max + 1} bytes, and this system takes ${max}\\.`));
    return true;
  });
  // Counted in bytes, as the system does.
  throws(() => listenUnix(join(folder, "ü".repeat(max / 2))), SocketProblem);
});
