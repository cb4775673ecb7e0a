/**
 * Clients beside the one under test: who is there already, is served all the same, and must not notice.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { EventReader } from "./event_reader.ts";
import { type Json, McpSession, postJson, textOf } from "./mcp_session.ts";
import { misbehaving } from "./servers.ts";

/** A configuration with the server that the helpers here use. */
export const config = { mcpServers: { misbehaving: misbehaving() } };

/** Text of a call of `echo` that says "mine". @param id JSON text of the id. */
export function echoCall(id: string): string {
  return `{"jsonrpc":"2.0","id":${id},${TAIL}}`;
}

/** What comes after the id in such a call. */
export const TAIL = `"method":"tools/call","params":{"name":"echo","arguments":{"text":"mine"}}`;

/** Every address that takes a JSON-RPC message, with the headers of a session where it needs one. */
export async function addresses(
  url: string,
): Promise<{ path: string; headers: Record<string, string> }[]> {
  const one = await McpSession.begin({ url, server: "misbehaving" });
  return [
    { path: "/mcp/misbehaving", headers: one.headers },
    { path: "/rpc/misbehaving", headers: {} },
    { path: "/mcp/misbehaving/command", headers: {} },
  ];
}

export async function stillServes(url: string): Promise<void> {
  const { status, answer } = await postJson(`${url}/rpc/misbehaving`, echoCall('"alive"'));
  assert.deepEqual([status, answer.id, textOf({ answer })], [200, "alive", "mine"]);
}

/** Another client at the same server, with calls in flight and an open stream. */
export class Bystander implements AsyncDisposable {
  readonly #session: McpSession;
  readonly #stream: EventReader;
  readonly #held: Promise<Json>[];

  private constructor(session: McpSession, stream: EventReader, held: Promise<Json>[]) {
    this.#session = session;
    this.#stream = stream;
    this.#held = held;
  }

  static async begin(url: string): Promise<Bystander> {
    const session = await McpSession.begin({ url, server: "misbehaving" });
    const stream = await session.openStream();
    const held = BYSTANDER_IDS.map((id) =>
      session.call(id, "hold", { key: "b", text: `held ${id}` })
    );
    await session.tell("waiting", { key: "b", count: held.length });
    return new Bystander(session, stream, held);
  }

  /** Its calls are in flight still, get their own answers, and nothing came on its stream. */
  async isUntouched(): Promise<void> {
    const released = await this.#session.tell("release", { key: "b" });
    assert.equal(released, String(BYSTANDER_IDS.length));
    for (const [index, outcome] of (await Promise.all(this.#held)).entries()) {
      assert.equal(outcome.status, 200);
      assert.equal(outcome.answer.id, BYSTANDER_IDS[index]);
      assert.equal(textOf(outcome), `held ${BYSTANDER_IDS[index]}`);
      assert.deepEqual(outcome.notifications, []);
    }
    await this.#session.tell("change");
    const { method } = await this.#stream.nextMessage();
    assert.equal(method, "notifications/tools/list_changed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stream[Symbol.asyncDispose]();
  }
}

/** Ids that the bad bodies use as well. */
export const BYSTANDER_IDS = [1, 2, "1", "held", 77];
