/**
 * The life of an instance: one union, one transition function, no clock and no process in it. What is
 * to be done on a transition is the instance's business.
 *
 * ```
 * idle -> starting -> ready -> draining -> stopped
 *   ^        |          |
 *   |        v          v
 *   +----- backoff, failed
 *   +------------------ (nobody uses it)
 * ```
 *
 * @module
 */

/** Where an instance stands. Times are milliseconds of the daemon's monotonic clock. */
export type Life =
  /** Not running; the next call starts it. */
  | { state: "idle"; record: CrashRecord }
  /** The process is being started and initialized. */
  | { state: "starting"; since: number; record: CrashRecord }
  /** It answers. */
  | { state: "ready"; since: number; record: CrashRecord }
  /** It ended too often; calls wait until `until`, then it is started once more. */
  | { state: "backoff"; until: number; reason: string; record: CrashRecord }
  /** It ended again and again; calls are refused until `until`, then one more start is tried. */
  | { state: "failed"; until: number; reason: string; record: CrashRecord }
  /** The daemon is stopping it: no new calls. */
  | { state: "draining" }
  /** Ended for good. */
  | { state: "stopped" };

/** How often it ended without having been stable in between. */
export interface CrashRecord {
  /** Starts in a row that never got ready. */
  failedStarts: number;
  /** Ends after getting ready, without a stable time since. */
  crashes: number;
  /** Starts that got ready, in all. */
  starts: number;
}

/** What can happen to an instance. `now` is the monotonic clock, milliseconds. */
export type LifeEvent =
  | { type: "start"; now: number }
  | { type: "started"; now: number }
  /** The connection ended, or could not be opened. `jitter` is a random number in [0, 1). */
  | { type: "ended"; now: number; reason: string; jitter: number }
  /** It ended under a question it need not have survived: it is started once more, without that. */
  | { type: "probed" }
  /** Nobody has used it for long: its process is ended, until the next call. */
  | { type: "rest" }
  | { type: "drain" }
  | { type: "stopped" };

/** Bounds of restarting. Milliseconds. */
export interface RestartPolicy {
  /** Ready for this long, an instance is stable: its crashes are forgotten. */
  stableMs: number;
  /** Wait after the second end in a row; doubles with each further one. */
  firstDelayMs: number;
  /** Longest wait. */
  maxDelayMs: number;
  /** Failed starts in a row that open the breaker. */
  maxFailedStarts: number;
  /** Crashes in a row that open the breaker. */
  maxCrashes: number;
  /** How long the breaker stays open. */
  breakerMs: number;
}

export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  stableMs: 10_000,
  firstDelayMs: 250,
  maxDelayMs: 10_000,
  maxFailedStarts: 3,
  maxCrashes: 10,
  breakerMs: 15_000,
};

/** A new instance. */
export function newLife(): Life {
  return { state: "idle", record: { failedStarts: 0, crashes: 0, starts: 0 } };
}

/**
 * The state after `event`. An event that means nothing in a state leaves it as it is: two ends of one
 * process, or a start that lost the race against a stop, are not errors.
 */
export function nextLife(life: Life, event: LifeEvent, policy = DEFAULT_RESTART_POLICY): Life {
  switch (event.type) {
    case "start":
      if (!("record" in life) || !mayStart(life, event.now)) return life;
      return { state: "starting", since: event.now, record: life.record };
    case "started": {
      if (life.state !== "starting") return life;
      const record = { ...life.record, failedStarts: 0, starts: life.record.starts + 1 };
      return { state: "ready", since: event.now, record };
    }
    case "ended":
      return afterEnd(life, event, policy);
    case "probed":
      return life.state === "starting" ? { state: "idle", record: life.record } : life;
    case "rest":
      return life.state === "ready" ? { state: "idle", record: life.record } : life;
    case "drain":
      return life.state === "stopped" ? life : { state: "draining" };
    case "stopped":
      return { state: "stopped" };
  }
}

/** Whether a start is allowed now. */
export function mayStart(life: Life, now: number): boolean {
  if (life.state === "idle") return true;
  return (life.state === "backoff" || life.state === "failed") && now >= life.until;
}

function afterEnd(
  life: Life,
  { now, reason, jitter }: Extract<LifeEvent, { type: "ended" }>,
  policy: RestartPolicy,
): Life {
  if (life.state !== "starting" && life.state !== "ready") return life;
  const record = { ...life.record };
  if (life.state === "starting") record.failedStarts++;
  else record.crashes = now - life.since >= policy.stableMs ? 1 : record.crashes + 1;

  if (record.failedStarts >= policy.maxFailedStarts || record.crashes >= policy.maxCrashes) {
    return { state: "failed", until: now + policy.breakerMs, reason, record };
  }
  const inARow = record.failedStarts + record.crashes;
  // The first end costs nothing: the next call gets a new process at once.
  if (inARow <= 1) return { state: "idle", record };
  const delay = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (inARow - 2));
  return { state: "backoff", until: now + delay * (0.5 + jitter / 2), reason, record };
}
