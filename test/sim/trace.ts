/** Everything that crossed between parts of the simulated network, in order: its hash is the story in 64 characters. */
import { createHash } from 'node:crypto';
import { SIM } from './limits.ts';

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #nowMs: () => number;
  readonly #all: boolean;
  #lines: string[] = [];
  count = 0;

  /** `all` keeps every line, for who looks for the cause of a failure. */
  constructor(nowMs: () => number, all = false) {
    this.#nowMs = nowMs;
    this.#all = all;
  }

  note(text: string): void {
    const line = `${new Date(this.#nowMs()).toISOString().slice(11, 23)} ${text}`;
    this.#hash.update(`${line}\n`);
    this.count++;
    this.#lines.push(line);
    if (!this.#all && this.#lines.length > 2 * SIM.shownLines) this.#lines = this.#lines.slice(-SIM.shownLines);
  }

  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  last(): readonly string[] {
    return this.#all ? this.#lines : this.#lines.slice(-SIM.shownLines);
  }
}
