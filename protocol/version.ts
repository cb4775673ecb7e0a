/**
 * The one place in the code that says which version this is. A test compares it with `deno.json`.
 *
 * @module
 */

/** Version of the program, daemon and SDK alike. */
export const VERSION = "0.1.0";

/**
 * Revisions of the agreement between the daemon and its own clients (announcement, health proof,
 * control plane) that this program speaks. Not the MCP revision. Raised only when an older client
 * would misunderstand.
 */
export const DAEMON_PROTOCOL = { min: 1, max: 1 } as const;
