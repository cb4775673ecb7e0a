/**
 * A WebSocket client that can send headers, ping, and say why a server refused: `npm:ws`.
 *
 * @module
 */

// @ts-types="./ws.d.ts"
export { WebSocket } from "npm:ws@8.23.0";
export type { WsData, WsRefusal } from "./ws.d.ts";
