/**
 * HTTP/1.1 over a plain socket: any header (`Host`, `Origin`, `Sec-Fetch-Site`), any bytes as a body,
 * a body that lies about its length. One request a connection.
 *
 * @module
 */

import { within } from "./within.ts";

/** A request, exactly as it is to be sent. */
export interface RawRequest {
  method?: string;
  path: string;
  /** Replaces the defaults of the same name (lower case); undefined leaves one out. */
  headers?: Record<string, string | undefined>;
  body?: string | Uint8Array;
  /** Sends the body in chunks and without a length. */
  chunked?: boolean;
  /** Ends the sending side after the body, whatever length was announced. */
  hangUp?: boolean;
  /** Stops reading after the head: for streams that do not end. */
  headOnly?: boolean;
}

/** A response. */
export interface RawResponse {
  status: number;
  headers: Headers;
  /** Empty with `headOnly`. */
  text: string;
}

const utf8 = new TextEncoder();

/** Sends a request to `url` (scheme and authority) and reads the response. */
export function rawFetch(url: string, request: RawRequest): Promise<RawResponse> {
  return within(
    exchange(new URL(url), request),
    `an answer to ${request.method ?? "POST"} ${request.path}`,
  );
}

async function exchange(url: URL, request: RawRequest): Promise<RawResponse> {
  const { hostname, port } = url;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const reading = readResponse(connection, request);
  // A server may answer and close before it has read everything: the answer counts, not the writing.
  const writing = send(connection, url, request).catch(() => {});
  const response = await reading;
  await writing;
  return response;
}

async function send(connection: Deno.Conn, url: URL, request: RawRequest): Promise<void> {
  const { method = "POST", path, body, chunked = false, hangUp = false } = request;
  const bytes = typeof body === "string" ? utf8.encode(body) : body;
  const headers: Record<string, string | undefined> = {
    "host": url.host,
    "connection": "close",
    ...(bytes === undefined ? {} : {
      "content-type": "application/json",
      ...(chunked
        ? { "transfer-encoding": "chunked" }
        : { "content-length": String(bytes.length) }),
    }),
    ...request.headers,
  };
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) head += `${name}: ${value}\r\n`;
  }
  await writeAll(connection, utf8.encode(`${head}\r\n`));
  if (bytes !== undefined) await (chunked ? writeChunks : writeAll)(connection, bytes);
  if (hangUp) await (connection as Deno.TcpConn).closeWrite();
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

async function writeChunks(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  const size = 64 * 1024;
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    await writeAll(connection, utf8.encode(`${chunk.length.toString(16)}\r\n`));
    await writeAll(connection, chunk);
    await writeAll(connection, utf8.encode("\r\n"));
  }
  await writeAll(connection, utf8.encode("0\r\n\r\n"));
}

async function readResponse(
  connection: Deno.Conn,
  { headOnly = false }: RawRequest,
): Promise<RawResponse> {
  // A character a byte, so that positions stay the same while the parts are found.
  const buffer = new Uint8Array(64 * 1024);
  let received = "";
  while (!(headOnly && received.includes("\r\n\r\n"))) {
    const count = await connection.read(buffer);
    if (count === null) break;
    for (const byte of buffer.subarray(0, count)) received += String.fromCharCode(byte);
  }
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) throw new Error(`No HTTP response: ${JSON.stringify(received.slice(0, 200))}`);
  const [statusLine, ...lines] = received.slice(0, end).split("\r\n");
  const headers = new Headers(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  const body = headOnly ? "" : received.slice(end + 4);
  const plain = headers.get("transfer-encoding") === "chunked" ? joinChunks(body) : body;
  const text = new TextDecoder().decode(Uint8Array.from(plain, (char) => char.charCodeAt(0)));
  return { status: Number(statusLine.split(" ")[1]), headers, text };
}

function joinChunks(body: string): string {
  let joined = "";
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = parseInt(body.slice(at, lineEnd), 16);
    if (size === 0) break;
    joined += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  return joined;
}
