/**
 * Streams of the application that can be ended from outside, because they do not end by themselves: a
 * client then sees a clean end instead of a broken connection.
 *
 * @module
 */

/** The streams that are open. */
export class EndableStreams {
  readonly #open = new Set<() => void>();

  /** Ends each of them now; what was read from it before is still delivered. */
  endAll(): void {
    for (const end of this.#open) end();
  }

  /** The same stream, which `endAll()` can end. */
  wrap(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const open = this.#open;
    const reader = body.getReader();
    let end: () => void;
    return new ReadableStream({
      start(controller) {
        end = () => {
          open.delete(end);
          controller.close();
          // What the application's stream says to its end is its own matter.
          reader.cancel("The server is ending").catch(() => {});
        };
        open.add(end);
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!open.has(end)) return;
          if (!done) return controller.enqueue(value);
          open.delete(end);
          controller.close();
        } catch (error) {
          if (open.delete(end)) controller.error(error);
        }
      },
      cancel(reason) {
        open.delete(end);
        return reader.cancel(reason);
      },
    });
  }
}
