/**
 * Listening to what passes through objects of the runtime, without a part of one's own in between: each
 * does what it did, in the same order and as soon; its method is only told about, too.
 *
 * @module
 */

type Told = (bytes: Uint8Array) => void;

/** Tells what is read from a body: `bytes`, `text`, `json`, or its stream. */
export function overhearBody(message: Request | Response, told: Told): void {
  const bytes = message.bytes.bind(message);
  replace(message, "bytes", async () => {
    const read = await bytes();
    told(read);
    return read;
  });
  // Read as bytes by whoever asks for one of these, so that it is told once.
  const decode = async () => new TextDecoder().decode(await message.bytes());
  replace(message, "text", decode);
  replace(message, "json", async () => JSON.parse(await decode()));
  const prototype = Object.getPrototypeOf(message);
  const { get } = Object.getOwnPropertyDescriptor(prototype, "body") ?? {};
  let overheard: ReadableStream<Uint8Array> | undefined;
  Object.defineProperty(message, "body", {
    configurable: true,
    get() {
      const stream: ReadableStream<Uint8Array> | null = get!.call(message);
      if (stream !== null && stream !== overheard) overhearStream(overheard = stream, told);
      return stream;
    },
  });
}

/** Tells what is read from a stream, by a reader of any kind or a loop. */
export function overhearStream(stream: ReadableStream<Uint8Array>, told: Told): void {
  const getReader = stream.getReader.bind(stream) as (options?: unknown) => unknown;
  replace(stream, "getReader", (options?: unknown) => {
    const reader = getReader(options) as ReadableStreamDefaultReader<Uint8Array>;
    overhearRead(reader, "read", told);
    return reader;
  });
  const values = stream.values.bind(stream);
  for (const name of ["values", Symbol.asyncIterator]) {
    replace(stream, name, (options?: ReadableStreamIteratorOptions) => {
      const iterator = values(options);
      overhearRead(iterator, "next", told);
      return iterator;
    });
  }
}

/** Tells what is written to a stream. */
export function overhearWriter(stream: WritableStream<Uint8Array>, told: Told): void {
  const getWriter = stream.getWriter.bind(stream);
  replace(stream, "getWriter", () => {
    const writer = getWriter();
    const write = writer.write.bind(writer);
    replace(writer, "write", (chunk: Uint8Array) => {
      told(chunk);
      return write(chunk);
    });
    return writer;
  });
}

/** Tells what is read from a connection of lines, and written to it. */
export function overhearConnection(conn: Deno.Conn, { read, written }: {
  read: Told;
  written: Told;
}): void {
  const reads = conn.read.bind(conn);
  replace(conn, "read", async (buffer: Uint8Array) => {
    const count = await reads(buffer);
    if (count !== null) read(buffer.subarray(0, count));
    return count;
  });
  const writes = conn.write.bind(conn);
  replace(conn, "write", async (bytes: Uint8Array) => {
    const count = await writes(bytes);
    written(bytes.subarray(0, count));
    return count;
  });
}

function overhearRead(
  reader: object,
  method: "read" | "next",
  told: Told,
): void {
  type Read = (...args: unknown[]) => Promise<{ done?: boolean; value?: Uint8Array }>;
  const read: Read = Reflect.get(reader, method).bind(reader);
  replace(reader, method, async (...args: unknown[]) => {
    const next = await read(...args);
    if (!next.done && next.value !== undefined) told(next.value);
    return next;
  });
}

/** Gives one object a method of its own. */
function replace(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { configurable: true, writable: true, value });
}
