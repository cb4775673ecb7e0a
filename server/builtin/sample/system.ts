/**
 * Facts about the machine and this process, without anything that names the user.
 *
 * @module
 */

/** What `system://info` shows. Sizes in bytes, times in seconds. */
export interface SystemInfo {
  os: string;
  arch: string;
  deno: string;
  v8: string;
  pid: number;
  /** Since this process started. */
  uptime: number;
  memory: { rss: number; heapTotal: number; heapUsed: number; external: number };
}

/** The facts now. */
export function systemInfo(): SystemInfo {
  const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    pid: Deno.pid,
    uptime: Math.round(performance.now()) / 1_000,
    memory: { rss, heapTotal, heapUsed, external },
  };
}
