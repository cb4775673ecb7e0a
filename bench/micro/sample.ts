/**
 * What the microbenchmarks work on: messages of the sizes and kinds of the bench.
 *
 * @module
 */

import { legacyCall, type Load, messageJson, type TextKind } from "../request.ts";

/** A case of every group. */
export interface Sample {
  /** Such as `64 KiB of escapes`. */
  name: string;
  /** `tools/call`, as a client writes it. */
  call: string;
  /** Its answer with the id at the head, as most servers write it. */
  answer: string;
  /** The same with the id at the end, as servers of the official SDK do. */
  answerIdLast: string;
}

const SIZES = [100, 64 * 1024] as const;
const KINDS: readonly TextKind[] = ["plain", "escapes", "unicode"];

/** 100 B plain, and 64 KiB of every kind. */
export const SAMPLES: readonly Sample[] = SIZES.flatMap((bytes) =>
  KINDS.filter((text) => bytes > 100 || text === "plain").map((text) => sample({ bytes, text }))
);

function sample(load: Pick<Load, "bytes" | "text">): Sample {
  const { bytes, text } = load;
  const result = `{"content":[{"type":"text","text":"${messageJson(load)}"}]}`;
  return {
    name: bytes === 100 ? "100 B" : `64 KiB of ${text}`,
    call: legacyCall({ connections: 1, ...load }),
    answer: `{"jsonrpc":"2.0","id":4711,"result":${result}}`,
    answerIdLast: `{"result":${result},"jsonrpc":"2.0","id":4711}`,
  };
}

/** Bytes as they come from a pipe or a socket. */
export function chunksOf(text: string, bytes: number): Uint8Array[] {
  const all = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += bytes) chunks.push(all.slice(at, at + bytes));
  return chunks;
}
