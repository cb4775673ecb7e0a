/**
 * What a server is to be sent as soon as it can be: calls, streams of notifications to be opened, and the
 * news that one of them is cancelled. Waits in its order; what the server has not been sent, it has
 * certainly not done.
 *
 * @module
 */

/** Lines that wait, each about the request of an id. */
export class HeldLines {
  readonly #lines: { id: number; text: string }[] = [];
  #length = 0;

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Characters that wait. */
  get length(): number {
    return this.#length;
  }

  /** Ids of the requests that they are about. */
  get ids(): number[] {
    return this.#lines.map(({ id }) => id);
  }

  add(id: number, text: string): void {
    this.#lines.push({ id, text });
    this.#length += text.length;
  }

  /** Takes the first line about a request out. @returns whether there was one. */
  remove(id: number): boolean {
    const at = this.#lines.findIndex((line) => line.id === id);
    if (at === -1) return false;
    const [{ text }] = this.#lines.splice(at, 1);
    this.#length -= text.length;
    return true;
  }

  /** Sends them, the oldest first, until one is refused or `mayGo` says no. */
  flush(send: (text: string) => boolean, mayGo: () => boolean): void {
    while (this.#lines.length > 0 && mayGo()) {
      const next = this.#lines.shift()!;
      if (!send(next.text)) {
        this.#lines.unshift(next);
        return;
      }
      this.#length -= next.text.length;
    }
  }

  clear(): void {
    this.#lines.length = 0;
    this.#length = 0;
  }
}
