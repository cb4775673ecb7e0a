/**
 * Unix sockets in a folder that only its owner can enter. The folder is the gate: on some systems the
 * mode of a socket is not looked at, and between its making and its `chmod` it has the mode of the umask.
 *
 * Does not decide who may listen: whoever calls this holds a lock, so that what is found in the place of
 * the socket is left from somebody dead.
 *
 * @module
 */

/** The socket cannot be had; the message says why and what to do. */
export class SocketProblem extends Error {
  override name = "SocketProblem";
}

/**
 * Bytes that a path may have: `sun_path` of `sockaddr_un` without its final zero. 108 bytes on Linux
 * (unix(7)), 104 on macOS and the BSDs (unix(4)).
 */
export function maxSocketPathBytes(os: typeof Deno.build.os = Deno.build.os): number {
  return os === "linux" || os === "android" ? 107 : 103;
}

/**
 * Listens, in the place of a socket that a dead process left. Only its owner can connect.
 *
 * @throws {SocketProblem} when the path is too long, or has something else than a socket of ours.
 */
export function listenUnix(path: string): Deno.UnixListener {
  const bytes = new TextEncoder().encode(path).length;
  const max = maxSocketPathBytes();
  if (bytes > max) {
    throw new SocketProblem(
      `its path ${path} has ${bytes} bytes, and this system takes ${max}. Set AICHAKU_HOME to a ` +
        `shorter path`,
    );
  }
  removeStale(path);
  const listener = Deno.listen({ transport: "unix", path });
  try {
    Deno.chmodSync(path, 0o600);
  } catch (error) {
    listener.close();
    throw error;
  }
  return listener;
}

function removeStale(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!info.isSocket) throw new SocketProblem(`${path} is not a socket. Move it away`);
  if (info.uid !== Deno.uid()) {
    throw new SocketProblem(
      `${path} belongs to user ${info.uid}, and this is user ${Deno.uid()}. Remove it`,
    );
  }
  Deno.removeSync(path);
}
