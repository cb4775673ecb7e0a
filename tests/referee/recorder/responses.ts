/**
 * What responses say: texts as they were given, streams as their pieces are handed over. Nothing is read
 * for it, so that nobody is served sooner or later than without.
 *
 * @module
 */

type Told = (what: string | Uint8Array) => void;

/** A stream that this program made. */
interface Made {
  told?: Told;
  /** Handed over before somebody listened. */
  early: Uint8Array[];
}

const texts = new WeakMap<Response, string>();
const streams = new WeakMap<ReadableStream, Made>();

/** From now on, what is put into a `Response` is known. Once a process. */
export function watchResponses(): void {
  const { Response, ReadableStream } = globalThis;
  globalThis.Response = new Proxy(Response, {
    construct(target, args, newTarget) {
      const response = Reflect.construct(target, args, newTarget);
      if (typeof args[0] === "string") texts.set(response, args[0]);
      return response;
    },
    get(target, name, receiver) {
      if (name !== "json") return Reflect.get(target, name, receiver);
      return (data: unknown, init?: ResponseInit) => {
        const response = target.json(data, init);
        texts.set(response, JSON.stringify(data));
        return response;
      };
    },
  });
  globalThis.ReadableStream = new Proxy(ReadableStream, {
    construct(target, [source, ...rest], newTarget) {
      if (source === undefined || source.type === "bytes") {
        return Reflect.construct(target, [source, ...rest], newTarget);
      }
      const made: Made = { early: [] };
      const stream = Reflect.construct(target, [watched(source, made), ...rest], newTarget);
      streams.set(stream, made);
      return stream;
    },
  });
}

/**
 * Tells what a response says, now or as it comes.
 *
 * @returns false when that is not known: it has a body that was made before, or elsewhere.
 */
export function overhearResponse(response: Response, told: Told): boolean {
  const text = texts.get(response);
  if (text !== undefined) {
    told(text);
    return true;
  }
  if (response.body === null) return true;
  const made = streams.get(response.body);
  if (made === undefined) return false;
  made.told = told;
  for (const piece of made.early.splice(0)) told(piece);
  return true;
}

/** The same source; its controller tells what is handed to it. */
function watched(source: UnderlyingDefaultSource, made: Made): UnderlyingDefaultSource {
  const seen = new WeakSet<object>();
  const see = (controller: ReadableStreamDefaultController) => {
    if (seen.has(controller)) return controller;
    seen.add(controller);
    const enqueue = controller.enqueue.bind(controller);
    const tell = (piece: unknown) => {
      if (!(piece instanceof Uint8Array)) return;
      if (made.told === undefined) made.early.push(piece.slice());
      else made.told(piece);
    };
    Object.defineProperty(controller, "enqueue", {
      value(piece: unknown) {
        // Before: the runtime may take the buffer away.
        tell(piece);
        enqueue(piece);
      },
    });
    return controller;
  };
  return {
    ...(source.start && { start: (controller) => source.start!(see(controller)) }),
    ...(source.pull && { pull: (controller) => source.pull!(see(controller)) }),
    ...(source.cancel && { cancel: (reason) => source.cancel!(reason) }),
  };
}
