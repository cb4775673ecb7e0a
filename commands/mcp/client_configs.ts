/**
 * What each client wants in its configuration, in its own spelling. One table; a client that changes
 * its mind changes one row.
 *
 * @module
 */

/** What a configuration leads to. */
export interface Target {
  /** MCP endpoint: `http://127.0.0.1:7182/mcp`. */
  endpoint: string;
  /** Whether requests need the token. It is never written out, only referred to. */
  needsToken: boolean;
  /** What a client that speaks only stdio starts instead. It finds the token by itself. */
  bridge: { command: string; args: readonly string[]; env: Readonly<Record<string, string>> };
}

/** How one client is told. */
export interface ClientConfig {
  /** Where the text goes. */
  file: string;
  /** The text to paste, with its line end. */
  text(target: Target): string;
}

/** Variable that holds the token, for clients that read it from their environment. */
const TOKEN_VARIABLE = "AICHAKU_TOKEN";

const CLAUDE_CODE: ClientConfig = {
  file: ".mcp.json of a project, or ~/.claude.json (Claude Code)",
  text: mcpServers({ url: "url", type: "http", token: `\${${TOKEN_VARIABLE}}` }),
};

/** By the name that `--print-config` takes. */
export const CLIENT_CONFIGS: ReadonlyMap<string, ClientConfig> = new Map([
  ["generic", {
    file: "the client's MCP configuration",
    text: mcpServers({ url: "url", type: "http", token: `\${${TOKEN_VARIABLE}}` }),
  }],
  ["claude", CLAUDE_CODE],
  ["claude-code", CLAUDE_CODE],
  ["claude-desktop", {
    file: "claude_desktop_config.json (Claude Desktop: Settings, Developer, Edit Config)",
    text: bridge,
  }],
  ["cursor", {
    file: "~/.cursor/mcp.json, or .cursor/mcp.json of a project",
    text: mcpServers({ url: "url", token: `\${env:${TOKEN_VARIABLE}}` }),
  }],
  ["vscode", { file: ".vscode/mcp.json, or mcp.json of the user profile", text: vscode }],
  ["codex", { file: "~/.codex/config.toml", text: codex }],
  ["windsurf", {
    file: "~/.codeium/windsurf/mcp_config.json",
    text: mcpServers({ url: "serverUrl", token: `\${env:${TOKEN_VARIABLE}}` }),
  }],
  ["gemini", {
    file: "~/.gemini/settings.json",
    text: mcpServers({ url: "httpUrl", token: `$${TOKEN_VARIABLE}` }),
  }],
]);

interface Spelling {
  /** Key of the endpoint. */
  url: string;
  /** Value of `type`, where the client wants one. */
  type?: string;
  /** How the client refers to a variable of its environment. */
  token: string;
}

function mcpServers({ url, type, token }: Spelling): (target: Target) => string {
  return ({ endpoint, needsToken }) =>
    json({
      mcpServers: {
        aichaku: {
          ...(type === undefined ? {} : { type }),
          [url]: endpoint,
          ...(needsToken ? authorization(token) : {}),
        },
      },
    });
}

/** VS Code asks for a secret once and keeps it in its own store. */
function vscode({ endpoint, needsToken }: Target): string {
  const server = { type: "http", url: endpoint };
  if (!needsToken) return json({ servers: { aichaku: server } });
  const id = "aichaku-token";
  return json({
    inputs: [{ type: "promptString", id, description: "Token of aichaku", password: true }],
    servers: { aichaku: { ...server, ...authorization(`\${input:${id}}`) } },
  });
}

/** Claude Desktop takes nothing but a command from its file. */
function bridge({ bridge: { command, args, env } }: Target): string {
  return json({
    mcpServers: {
      aichaku: { command, args, ...(Object.keys(env).length === 0 ? {} : { env }) },
    },
  });
}

function codex({ endpoint, needsToken }: Target): string {
  const token = needsToken ? `bearer_token_env_var = "${TOKEN_VARIABLE}"\n` : "";
  // A JSON text is a TOML basic string as well: both escape the same way.
  return `[mcp_servers.aichaku]\nurl = ${JSON.stringify(endpoint)}\n${token}`;
}

function authorization(token: string): { headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}` } };
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
