/** The part of `npm:ws` that is used here; `@types/ws` would bring all of Node's types along. */
export class WebSocket {
  constructor(address: URL, protocols: string[], options: WebSocketOptions);
  /** The subprotocol that the server chose. */
  readonly protocol: string;
  /** Bytes that were sent and not taken by the system yet. */
  readonly bufferedAmount: number;
  /** @param onTaken Called when the system has taken it, or never will. */
  send(data: string, onTaken?: (error?: Error) => void): void;
  ping(): void;
  close(code?: number, reason?: string): void;
  /** Breaks the connection off, or the attempt to make one. */
  terminate(): void;
  on(event: "open" | "ping" | "pong", listener: () => void): this;
  on(event: "message", listener: (data: WsData, isBinary: boolean) => void): this;
  on(event: "close", listener: (code: number, reason: WsData) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(
    event: "unexpected-response",
    listener: (request: { destroy(): void }, response: WsRefusal) => void,
  ): this;
}

export interface WebSocketOptions {
  headers?: Record<string, string>;
  /** Largest message, bytes. */
  maxPayload?: number;
  perMessageDeflate?: boolean;
  followRedirects?: boolean;
}

/** A `Buffer`: bytes that read themselves as UTF-8. */
export interface WsData extends Uint8Array {
  toString(): string;
}

/** The response to a handshake that was refused. */
export interface WsRefusal {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
