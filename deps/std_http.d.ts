/** The part of `@std/http` this program uses. The npm republication has no types; this is its door. */
export interface ServerSentEventParsedMessage {
  comment?: string;
  event?: string;
  data?: string;
  id?: string;
  retry?: number;
}
export interface ServerSentEventParseStreamOptions {
  ignoreComments?: boolean;
}
export class ServerSentEventParseStream
  extends TransformStream<Uint8Array, ServerSentEventParsedMessage> {
  constructor(options?: ServerSentEventParseStreamOptions);
}
