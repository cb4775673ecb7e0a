/**
 * What is sent: one `tools/call` of `echo` or `give`, in the shape of either era, with a text of a given size.
 *
 * @module
 */

import { META } from "../protocol/modern.ts";
import { LATEST_MODERN_REVISION } from "../protocol/revisions.ts";

/**
 * What the text is made of. `escapes`: a third of it is quotes, backslashes and line ends. `unicode`: the
 * same, and a third is not ASCII.
 */
export type TextKind = "plain" | "escapes" | "unicode";

/** A load. */
export interface Load {
  /** Connections with one call each; where there is one connection, calls that wait on it. */
  connections: number;
  /** Length of the message that is echoed: bytes of its JSON, without the quotes. */
  bytes: number;
  text: TextKind;
  /** The text stands in the answer alone, not in the call. Default both: it is echoed. */
  answerOnly?: boolean;
}

/** What stands for the id in a request; the load generators put numbers of the same length there. */
export const ID = 9_999_999_999;

/** All pieces have the same length in JSON, so that texts of one size take the same bytes. */
const PIECES: Readonly<Record<TextKind, string>> = {
  plain: "the text is very plain! ",
  escapes: '"a\\b" is here\n\t"c" d ',
  unicode: '"a\\b"\nÄhre für 漢字 ',
};

const encoder = new TextEncoder();

/** JSON of the message, without the quotes. Always exactly `bytes` long in UTF-8. */
export function messageJson({ bytes, text }: Pick<Load, "bytes" | "text">): string {
  const piece = JSON.stringify(PIECES[text]).slice(1, -1);
  const count = Math.floor(bytes / encoder.encode(piece).length);
  const whole = piece.repeat(count);
  return whole + "x".repeat(bytes - count * encoder.encode(piece).length);
}

/** `tools/call` as clients of up to 2025-11-25 write it. */
export function legacyCall(load: Load): string {
  return `{"jsonrpc":"2.0","id":${ID},"method":"tools/call","params":{${subject(load)}}}`;
}

/** `tools/call` of 2026-07-28: who calls stands in it. */
export function modernCall(load: Load): string {
  const meta = {
    [META.protocolVersion]: LATEST_MODERN_REVISION,
    [META.clientInfo]: { name: "bench", version: "1.0.0" },
    [META.clientCapabilities]: {},
  };
  return `{"jsonrpc":"2.0","id":${ID},"method":"tools/call",` +
    `"params":{${subject(load)},"_meta":${JSON.stringify(meta)}}}`;
}

/** Headers that go with {@linkcode modernCall} of `echo`. */
export const MODERN_HEADERS: Readonly<Record<string, string>> = {
  "mcp-protocol-version": LATEST_MODERN_REVISION,
  "mcp-method": "tools/call",
  "mcp-name": "echo",
};

/** Members of an object that name the tool and its arguments. */
export function subject(load: Load): string {
  const [tool, message] = load.answerOnly
    ? ["give", `${load.text} ${load.bytes}`]
    : ["echo", messageJson(load)];
  return `"name":"${tool}","arguments":{"message":"${message}"}`;
}
