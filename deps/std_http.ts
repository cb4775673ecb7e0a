// @ts-types="./std_http.d.ts"
export * from "npm:deno-std@1.4.0/http/server_sent_event_parse_stream.js";
