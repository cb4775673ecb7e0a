/**
 * A client as the scenarios use it, whichever SDK it is made with and whatever way its messages take.
 *
 * @module
 */

/** What a scenario wants of its client beyond calling. */
export interface PeerOptions {
  /** Where the server of the suite listens. */
  url: string;
  /** Revision that the suite runs. */
  revision: string;
  /** Answers a form. Default: the client says that it cannot be asked. */
  elicit?: (params: Json) => Json;
}

// deno-lint-ignore no-explicit-any
type Json = any;

/** A client that is connected. */
export interface Peer extends AsyncDisposable {
  listTools(): Promise<{ name: string; inputSchema: Json }[]>;
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>;
  listResources(): Promise<{ uri: string }[]>;
  readResource(uri: string): Promise<unknown>;
  listPrompts(): Promise<{ name: string }[]>;
  getPrompt(name: string): Promise<unknown>;
}

/** Connects one. */
export type Connect = (options: PeerOptions) => Promise<Peer>;
