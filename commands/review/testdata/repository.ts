/**
 * Git repositories for tests: in a temporary folder, with nothing of the user's configuration.
 *
 * @module
 */

import assert from "node:assert/strict";
import { dirname, join } from "@std/path";

/** What git is run with: no configuration of the user's or the system's, no repository from outside. */
export const GIT_ENV: Record<string, string> = {
  PATH: Deno.env.get("PATH") ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@example.com",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@example.com",
};

/** A repository in a folder of its own. */
export class TestRepository implements AsyncDisposable {
  readonly path: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "aichaku-git-" }));

  /** An empty one. */
  static async create(): Promise<TestRepository> {
    const repository = new TestRepository();
    await repository.git("init", "-q", "-b", "main");
    return repository;
  }

  /** Runs git; what it printed. */
  async git(...args: string[]): Promise<string> {
    const command = new Deno.Command("git", { args, cwd: this.path, env: GIT_ENV, clearEnv: true });
    const { success, stdout, stderr } = await command.output();
    assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  }

  /** Writes files, with the folders they need. */
  async write(files: Record<string, string | Uint8Array>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.path, name);
      await Deno.mkdir(dirname(path), { recursive: true });
      if (typeof content === "string") await Deno.writeTextFile(path, content);
      else await Deno.writeFile(path, content);
    }
  }

  /** Commits everything. */
  async commit(files: Record<string, string | Uint8Array> = {}): Promise<void> {
    await this.write(files);
    await this.git("add", "-A");
    await this.git("commit", "-q", "-m", "x", "--allow-empty");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
