/**
 * A POST to a server that is not configured: refused under the id of the request, so that its client
 * knows which of its calls it was.
 *
 * @module
 */

import { MessageFault, parseMessage } from "../../protocol/message.ts";
import { Fault } from "../../protocol/errors.ts";
import { readJsonBody } from "./body.ts";
import { type InboundContext, refusalResponse, unknownServer } from "./context.ts";

/** The response to a POST whose path names no server. */
export async function refuseUnknownServer(
  context: InboundContext,
  { request, server }: { request: Request; server: string | undefined },
): Promise<Response> {
  const id = await readId(request, context);
  return refusalResponse(unknownServer(context, server), { id, log: context.log });
}

async function readId(request: Request, context: InboundContext): Promise<string | undefined> {
  try {
    const message = parseMessage(await readJsonBody(request, context));
    return message.kind === "request" ? message.id : undefined;
  } catch (error) {
    if (error instanceof MessageFault) return error.id;
    // Whatever else is wrong with it, the server comes first.
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
