/** The part of `@std/path` this program uses. The npm republication has no types; this is its door. */
export function join(path: string | URL, ...paths: string[]): string;
export function dirname(path: string | URL): string;
export function basename(path: string | URL, suffix?: string): string;
export function extname(path: string | URL): string;
export function resolve(...pathSegments: string[]): string;
export function relative(from: string, to: string): string;
export function normalize(path: string | URL): string;
export function isAbsolute(path: string): boolean;
export function fromFileUrl(url: string | URL): string;
export function toFileUrl(path: string): URL;
export function globToRegExp(
  glob: string,
  options?: { extended?: boolean; globstar?: boolean; caseInsensitive?: boolean },
): RegExp;
export const SEPARATOR: "/" | "\\";
export const DELIMITER: ":" | ";";
