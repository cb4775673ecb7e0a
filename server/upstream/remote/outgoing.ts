/**
 * What a wire over HTTP has to know of a message it sends: where its answer belongs, and what stands
 * beside it in the headers.
 *
 * @module
 */

import { writeHeaderValue } from "../../../protocol/header_value.ts";
import { isObject } from "../../../protocol/json.ts";
import { idText } from "../../../protocol/message.ts";

/** A message on its way to the server. */
export type Outgoing =
  | {
    kind: "request";
    id: number;
    method: string;
    /** The revision it names, in the modern era; undefined in the legacy one. */
    modern: string | undefined;
    /** The tool, prompt or resource it is about. */
    subject: string | undefined;
    /** What it gives the tool that it calls. */
    args?: unknown;
  }
  | { kind: "cancelled"; id: number }
  | { kind: "notification"; method: string }
  | { kind: "response" };

const REVISION = "io.modelcontextprotocol/protocolVersion";

/** Methods whose subject stands in `Mcp-Name`, and the parameter it is. Source: MCP 2026-07-28. */
const SUBJECTS: Readonly<Record<string, "name" | "uri">> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** Reads a message of our own writing. */
export function readOutgoing(text: string): Outgoing {
  const { id, method, params } = JSON.parse(text);
  if (typeof method !== "string") return { kind: "response" };
  if (id === undefined) {
    return method === "notifications/cancelled"
      ? { kind: "cancelled", id: Number(idText(params?.requestId)) }
      : { kind: "notification", method };
  }
  const meta = isObject(params) && isObject(params._meta) ? params._meta : {};
  const subject = Object.hasOwn(SUBJECTS, method) ? params?.[SUBJECTS[method]] : undefined;
  return {
    kind: "request",
    id,
    method,
    modern: typeof meta[REVISION] === "string" ? meta[REVISION] : undefined,
    subject: typeof subject === "string" ? subject : undefined,
    ...(method === "tools/call" && params?.arguments !== undefined
      ? { args: params.arguments }
      : {}),
  };
}

/**
 * The headers of a modern request, which say once more what its body says.
 * Source: MCP 2026-07-28, basic/transports/streamable-http, "Request Metadata".
 */
export function metadataHeaders(
  { method, modern, subject, mirrored }: {
    method: string;
    modern: string;
    subject: string | undefined;
    /** Headers with arguments of the tool. */
    mirrored?: Record<string, string>;
  },
): Record<string, string> {
  return {
    ...mirrored,
    "mcp-protocol-version": modern,
    "mcp-method": writeHeaderValue(method),
    ...(subject === undefined ? {} : { "mcp-name": writeHeaderValue(subject) }),
  };
}
