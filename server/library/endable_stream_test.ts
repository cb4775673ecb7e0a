import { deepEqual, equal, rejects } from "node:assert/strict";
import { EndableStreams } from "./endable_stream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("a stream that would go on is ended, and its source is told", async () => {
  const streams = new EndableStreams();
  let cancelled: unknown;
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes("one")),
    cancel: (reason) => void (cancelled = reason),
  });
  const reader = streams.wrap(source).getReader();
  deepEqual((await reader.read()).value, bytes("one"));
  const next = reader.read();
  streams.endAll();
  equal((await next).done, true);
  equal(cancelled, "The server is ending");
});

Deno.test("a stream that ends, fails or is not wanted any more behaves as it would by itself", async () => {
  const streams = new EndableStreams();
  const ends = streams.wrap(new Response("all").body!);
  equal(await new Response(ends).text(), "all");

  const fails = streams.wrap(
    new ReadableStream({ pull: () => Promise.reject(new Error("broken")) }),
  );
  await rejects(fails.getReader().read(), /broken/);

  let cancelled: unknown;
  const unwanted = streams.wrap(
    new ReadableStream({ cancel: (reason) => void (cancelled = reason) }),
  );
  await unwanted.cancel("enough");
  equal(cancelled, "enough");
  // None of them is open any more: ending them would throw.
  streams.endAll();
});
