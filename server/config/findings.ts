/**
 * What was noticed while reading a configuration: warnings, which are told, and errors, which refuse
 * it. Both come out in the order of the file, each with its place. No value of `env`, of a header or
 * of an argument ever gets into one: they may be secrets.
 *
 * @module
 */

import { type ConfigDocument, ConfigError, type Node } from "./document.ts";

interface Finding {
  offset: number;
  text: string;
}

/** Collects what is noticed about one document. */
export class Findings {
  readonly document: ConfigDocument;
  readonly #warnings: Finding[] = [];
  readonly #errors: Finding[] = [];

  constructor(document: ConfigDocument) {
    this.document = document;
  }

  /** Something a person should know; reading goes on. */
  warn(node: Node, sentence: string): void {
    this.#warnings.push({ offset: node.offset, text: this.#placed(node, sentence) });
  }

  /** Something that makes the file unusable; reading goes on, so that all of it is found at once. */
  error(node: Node, sentence: string): void {
    this.#errors.push({ offset: node.offset, text: this.#placed(node, sentence) });
  }

  /** An empty collection for the same document, which {@linkcode adopt} can take over later. */
  fork(): Findings {
    return new Findings(this.document);
  }

  /** Takes over what another collection holds. */
  adopt(other: Findings): void {
    this.#warnings.push(...other.#warnings);
    this.#errors.push(...other.#errors);
  }

  /** All warnings, in the order of the file. */
  get warnings(): string[] {
    return inOrder(this.#warnings);
  }

  /** @throws {ConfigError} With all errors, in the order of the file, when there are any. */
  throwIfErrors(): void {
    if (this.#errors.length > 0) throw new ConfigError(inOrder(this.#errors));
  }

  #placed(node: Node, sentence: string): string {
    return `${this.document.at(node)}: ${sentence}`;
  }
}

function inOrder(findings: readonly Finding[]): string[] {
  return findings.toSorted((a, b) => a.offset - b.offset).map(({ text }) => text);
}
