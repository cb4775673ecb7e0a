import assert from "node:assert/strict";
import { knownServer } from "./known_servers.ts";

function known(line: string | string[]): string | undefined {
  const [command = "", ...args] = typeof line === "string" ? line.split(" ") : line;
  return knownServer({ command, args })?.sharing;
}

Deno.test("a known server is found behind whatever runs it", () => {
  const lines = [
    "npx @playwright/mcp",
    "npx -y @playwright/mcp@latest --headless",
    "npx --yes --package=@playwright/mcp@0.0.41 mcp",
    "npx.cmd -y @Playwright/mcp@latest",
    "cmd /c npx -y @playwright/mcp@latest",
    "/usr/local/bin/npx -y chrome-devtools-mcp@latest",
    "npm exec --yes -- @playwright/mcp",
    "bunx --bun @modelcontextprotocol/server-puppeteer",
    "bun x chrome-devtools-mcp",
    "pnpm dlx chrome-devtools-mcp@0.8",
    "yarn dlx -q @wonderwhy-er/desktop-commander",
    "deno run -A npm:@playwright/mcp@0.0.41/cli",
    "deno run -A npm:chrome-devtools-mcp",
    "node /opt/x/node_modules/@playwright/mcp/cli.js",
    "node ./node_modules/chrome-devtools-mcp/build/src/index.js",
    "uvx browser-use[cli]==0.7.1 --mcp",
    "uvx --from browser_use browser-use --mcp",
    "uv tool run --python 3.12 jupyter-mcp-server",
    "pipx run jupyter_mcp_server>=0.10",
    "docker run -i --rm --init mcp/playwright",
    "docker run -i --rm docker.io/mcp/puppeteer:1.2",
    "podman run -i mcr.microsoft.com/playwright/mcp@sha256:0123abcd",
    "docker run -i --rm mcp/playwright:latest --headless",
    "playwright-mcp",
    "/usr/local/bin/desktop-commander",
    "C:\\Users\\ada\\AppData\\npm\\chrome-devtools-mcp.cmd",
    "env DISPLAY=:1 chrome-devtools-mcp",
    "chrome-devtools-mcp.cmd",
  ];
  for (const line of lines) assert.equal(known(line), "session", line);
});

Deno.test("a server that is not in the list is not known by chance", () => {
  const lines = [
    "npx -y @modelcontextprotocol/server-everything",
    "npx -y @modelcontextprotocol/server-filesystem /home/ada/playwright-mcp",
    "npx -y @modelcontextprotocol/server-memory",
    "npx -y @playwright/mcp-docs",
    "npx -y @someone/playwright-mcp",
    "npx -y playwright",
    "uvx mcp-server-git --repository .",
    "docker run -i someone/playwright",
    "node server.js",
    "npx -y @modelcontextprotocol/server-filesystem ./serena /home/ada/serena",
    "x --note=chrome-devtools-mcp-is-a-browser",
    "",
  ];
  for (const line of lines) assert.equal(known(line), undefined, line);
  assert.equal(known(["x", "[".repeat(200_000)]), undefined);
  assert.equal(known(["x", "run chrome-devtools-mcp"]), undefined);
});

Deno.test("a server of one project is shared within it, and only otherwise kept apart", () => {
  const serena = "uvx --from git+https://github.com/oraios/serena serena start-mcp-server";
  assert.equal(known(serena), "session");
  assert.equal(known(`${serena} --project /p`), undefined);
  assert.equal(known(`${serena} --project=/p`), undefined);
  assert.equal(known(`${serena} --project-from-cwd`), undefined);
});

Deno.test("the reason is one sentence that says whose the state is", () => {
  const { why } = knownServer({ command: "playwright-mcp", args: [] })!;
  assert.match(why, /^it .*[^.]$/);
});

Deno.test("a browser that locks its profile is known, and what keeps it from that", () => {
  const isExclusive = (line: string) => {
    const [command = "", ...args] = line.split(" ");
    return knownServer({ command, args })?.exclusive;
  };
  for (const server of ["@playwright/mcp@latest", "chrome-devtools-mcp@latest"]) {
    assert.equal(isExclusive(`npx -y ${server}`), true);
    assert.equal(isExclusive(`npx -y ${server} --headless --user-data-dir=/x`), true);
    assert.equal(isExclusive(`npx -y ${server} --isolated`), false);
  }
  assert.equal(isExclusive("npx @playwright/mcp --cdp-endpoint=http://127.0.0.1:9222"), false);
  assert.equal(isExclusive("npx chrome-devtools-mcp --browser-url http://127.0.0.1:9222"), false);
  assert.equal(isExclusive("npx -y @wonderwhy-er/desktop-commander"), false);
});
