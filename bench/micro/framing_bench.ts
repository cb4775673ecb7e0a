/**
 * Newline-delimited JSON: a server's lines, a client's lines, and writing them. A mebibyte or sixteen
 * lines at a time, whichever is less.
 *
 * @module
 */

import { LineSplitter } from "../../protocol/ndjson.ts";
import { LineReader } from "../../server/inbound/line_reader.ts";
import { LineWriter } from "../../server/upstream/line_writer.ts";
import { chunksOf, SAMPLES } from "./sample.ts";

const LINES = 16;
const MAX = 64 * 1024 * 1024;

for (const { name, answer, call } of SAMPLES) {
  const answers = chunksOf(`${answer}\n`.repeat(LINES), 64 * 1024);
  const calls = chunksOf(`${call}\n`.repeat(LINES), 64 * 1024);
  const group = `${LINES} lines, ${name}`;
  Deno.bench("only decoding", { group, baseline: true }, () => {
    const decoder = new TextDecoder();
    for (const chunk of answers) decoder.decode(chunk, { stream: true });
  });
  Deno.bench("LineSplitter: a server's", { group }, () => {
    let length = 0;
    const splitter = new LineSplitter((line) => length += line.length, {
      maxLength: MAX,
      onOversize: unexpected,
    });
    for (const chunk of answers) splitter.push(chunk);
    if (length !== LINES * answer.length) unexpected();
  });
  Deno.bench("LineReader: a client's", { group }, () => {
    const reader = new LineReader(MAX);
    let length = 0;
    for (const chunk of calls) for (const line of reader.push(chunk)) length += line.length;
    if (length !== LINES * call.length) unexpected();
  });
  Deno.bench("LineWriter: to a server", { group }, async () => {
    let written = 0;
    const stream = new WritableStream<Uint8Array>({
      write: ({ length }) => void (written += length),
    });
    const writer = new LineWriter(stream, { maxOwed: MAX, onError: unexpected });
    for (let i = 0; i < LINES; i++) writer.write(call);
    while (writer.owed > 0) await Promise.resolve();
    if (written < LINES * call.length) unexpected();
  });
}

function unexpected(): never {
  throw new Error("A microbenchmark of framing measures something else than it says");
}
