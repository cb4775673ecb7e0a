/**
 * A connection whose news reach a conversation: only as long as it is the conversation's own, and so that
 * a fault in handling one line does not end the reading of all others.
 *
 * @module
 */

import type { Conversation } from "./conversation.ts";
import type { OpenWire, Wire, WireEnd } from "./wire.ts";

/** Options of {@linkcode openGuarded}. */
export interface GuardedWireOptions {
  open: OpenWire;
  /** It ended while it was the conversation's own. */
  onEnd(end: WireEnd): void;
  /** It ended, whoever's it was. Comes first. */
  onEnded(): void;
  /** Something went wrong in handling what came. */
  onFault(error: unknown): void;
}

/**
 * Opens it; the caller gives it to the conversation.
 *
 * @throws {Fault} as {@linkcode OpenWire}.
 */
export function openGuarded(
  conversation: Conversation,
  { open, onEnd, onEnded, onFault }: GuardedWireOptions,
): Wire {
  const wire: Wire = open({
    onLine(line) {
      if (conversation.wire !== wire) return;
      try {
        conversation.onLine(line);
      } catch (error) {
        onFault(error);
      }
    },
    onOversizeLine: (ends) => guard(() => conversation.onOversize(ends)),
    onLost: (id, fault) => guard(() => conversation.onLost(id, fault)),
    onRoom: () => guard(() => conversation.onRoom()),
    onEnd(end) {
      onEnded();
      guard(() => onEnd(end));
    },
  });
  return wire;

  function guard(action: () => void): void {
    if (conversation.wire !== wire) return;
    try {
      action();
    } catch (error) {
      onFault(error);
    }
  }
}
