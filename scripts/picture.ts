/**
 * Draws the picture of the README, from a real session that it runs:
 *
 *     deno task picture        writes docs/images/session.svg
 *
 * Everything in it was printed by the program; only the folder of the session is shown as `~`, because
 * that is where it would be, and the name of this machine as MACHINE. `AICHAKU_TEST_BIN` names a compiled program to run instead of the source.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { everything } from "../tests/e2e/support/servers.ts";
import { DaemonFixture } from "../tests/fixtures/daemon.ts";
import { connectPeer } from "../tests/fixtures/peers.ts";
import { ROOT } from "./lib/project.ts";
import { type TerminalLine, terminalSvg } from "./lib/terminal_svg.ts";
import { runTask, type Task, TaskProblem } from "./lib/task.ts";

const PICTURE = join(ROOT, "docs", "images", "session.svg");

const EXAMPLE = `import hashlib


def total(data):
    return eval(data)


def mark(x):
    return hashlib.md5(x).hexdigest()
`;

async function picture({ stack }: Task): Promise<number> {
  const home = stack.use(
    await DaemonFixture.create({
      config: { mcpServers: { everything: everything() } },
      // As a user would see it, where nobody has it yet.
      env: { AICHAKU_PORT: isFree(7182) ? "7182" : "0" },
    }),
  );
  const folder = dirname(home.home);
  await Deno.writeTextFile(join(folder, "example.py"), EXAMPLE);
  const lines: TerminalLine[] = [];
  const type = async (expected: number, typed: string, ...args: string[]) => {
    lines.push({ kind: "typed", text: typed });
    const { code, stdout, stderr } = await home.command(args, { cwd: folder }).output();
    const decoder = new TextDecoder();
    if (code !== expected) throw new TaskProblem(`${typed}: ${code}\n${decoder.decode(stderr)}`);
    const text = decoder.decode(stdout).trimEnd()
      .replaceAll(home.home, "~/.aichaku").replaceAll(folder, "~")
      .replaceAll(basename(home.paths.runDir), "MACHINE");
    for (const line of text.split("\n")) lines.push({ kind: "printed", text: line });
    lines.push({ kind: "printed", text: "" });
  };
  const remark = (text: string) => lines.push({ kind: "remark", text: `# ${text}` });

  await type(0, "aichaku mcp --start-server", "mcp", "--start-server");
  const url = `${home.url}/mcp/everything`;
  const peers = stack.use(new AsyncDisposableStack());
  for (const line of ["v1", "v2"] as const) {
    const peer = peers.use(await connectPeer({ line, url }));
    await peer.callTool("echo", { message: "hello" });
  }
  remark("two AI tools connect and use the same server");
  await type(0, "aichaku mcp --server-status", "mcp", "--server-status");
  remark("so does the command line; the reviewer is a server as well");
  const call = ["everything", "get-sum", "a=2", "b=40"];
  await type(0, `aichaku call ${call.join(" ")}`, "call", ...call);
  await type(1, "aichaku review example.py", "review", "example.py");
  // While there still is somebody to say goodbye to.
  await peers.disposeAsync();
  await type(0, "aichaku mcp --stop-server", "mcp", "--stop-server");

  await Deno.mkdir(dirname(PICTURE), { recursive: true });
  const title =
    "A session: the daemon is started, two clients share one server process, a file is " +
    "reviewed through it, the daemon is stopped";
  await Deno.writeTextFile(PICTURE, terminalSvg(lines.slice(0, -1), { title }));
  console.log(PICTURE);
  return 0;
}

/** Whether nobody listens on a port of the loopback. */
function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

await runTask("picture", picture);
