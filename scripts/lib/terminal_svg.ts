/**
 * A terminal as a picture: text lines in a dark window, as an SVG that needs no fonts of its own and
 * looks the same on a light and on a dark page.
 *
 * @module
 */

/** A line: what was typed after the prompt, a remark, or what a program printed. */
export interface TerminalLine {
  kind: "typed" | "remark" | "printed";
  text: string;
}

/** Options of {@linkcode terminalSvg}. */
export interface TerminalSvgOptions {
  /** Read to those who do not see it. */
  title: string;
  /** Characters before a line is broken. @default {100} */
  columns?: number;
}

const COLORS = { typed: "#e6edf3", remark: "#8b949e", printed: "#b6c2cf", prompt: "#3fb950" };
/** Pixels. A character of such fonts is about 0.6 of their size wide. */
const FONT = 14;
const WIDTH = FONT * 0.6;
const HEIGHT = 20;
const MARGIN = 20;
const BAR = 34;

/** Draws it. */
export function terminalSvg(
  lines: readonly TerminalLine[],
  { title, columns = 100 }: TerminalSvgOptions,
): string {
  const rows = lines.flatMap((line) => broken(line, columns));
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = BAR + rows.length * HEIGHT + MARGIN;
  const circles = ["#ff5f57", "#febc2e", "#28c840"].map((color, index) =>
    `<circle cx="${MARGIN + 6 + index * 20}" cy="17" r="6" fill="${color}"/>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...circles,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace" ` +
    `font-size="${FONT}" xml:space="preserve">`,
    ...rows.map((row, index) => drawn(row, BAR + (index + 1) * HEIGHT - 5)),
    `</g>`,
    `</svg>`,
    ``,
  ].join("\n");
}

/** Lines that are too long go on in the next row. */
function broken({ kind, text }: TerminalLine, columns: number): TerminalLine[] {
  const room = kind === "typed" ? columns - 2 : columns;
  const letters = [...text];
  const rows: TerminalLine[] = [];
  for (let at = 0; at === 0 || at < letters.length; at += room) {
    const row = letters.slice(at, at + room).join("");
    rows.push({ kind: at === 0 ? kind : "printed", text: row });
  }
  return rows;
}

function drawn({ kind, text }: TerminalLine, y: number): string {
  if (text.trim() === "") return "";
  const prompt = kind === "typed" ? `<tspan fill="${COLORS.prompt}">$ </tspan>` : "";
  const weight = kind === "typed" ? ` font-weight="bold"` : "";
  return `<text x="${MARGIN}" y="${y}">${prompt}<tspan fill="${COLORS[kind]}"${weight}>` +
    `${escaped(text)}</tspan></text>`;
}

function escaped(text: string): string {
  // What XML cannot hold is nothing that a terminal would show either.
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\x00-\x08\x0b-\x1f]/g, "")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
