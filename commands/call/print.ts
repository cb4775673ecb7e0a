/**
 * A tool's answer for a person or a pipe: structured content as JSON where there is any, else text as it
 * is and everything else as one line that says what it is and how large. On a terminal, control characters are shown, not obeyed.
 *
 * @module
 */

import type { CallToolResult, ContentBlock } from "../../client/mod.ts";
import { visible } from "../review/format_pretty.ts";

/** The text to print, with its last line end; empty when there is nothing to print. */
export function formatResult(result: CallToolResult, isTerminal: boolean): string {
  const { content, structuredContent } = result;
  // The specification asks servers to say it as text as well, for older clients.
  const blocks = structuredContent === undefined
    ? content.map(formatBlock)
    : [JSON.stringify(structuredContent, null, 2)];
  const text = blocks.map((block) => isTerminal ? shown(block) : block).join("\n");
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Text that moves no cursor; line ends and tabs are kept. */
export function shown(text: string): string {
  return text.split("\n").map((line) => line.split("\t").map(visible).join("\t")).join("\n");
}

function formatBlock(block: ContentBlock): string {
  switch (block.type) {
    case "text":
      return block.text ?? "";
    case "image":
    case "audio":
      return `[${block.type} ${block.mimeType ?? "of no type"}, ${base64Size(block.data)}]`;
    case "resource": {
      const { uri, mimeType, text, blob } = (block.resource ?? {}) as Record<string, unknown>;
      if (typeof text === "string") return text;
      return `[resource ${uri}, ${mimeType ?? "of no type"}, ${base64Size(blob)}]`;
    }
    case "resource_link":
      return `[resource ${block.uri}${block.name === undefined ? "" : `, ${block.name}`}]`;
    default:
      return `[${block.type}]`;
  }
}

/** Size of what base64 text carries. */
function base64Size(data: unknown): string {
  if (typeof data !== "string") return "no data";
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  const bytes = Math.floor(data.length * 3 / 4) - padding;
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024
    ? `${(bytes / 1024).toFixed(1)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
