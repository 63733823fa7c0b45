/** What is wrong with a network set: all of it at once, each with its place, and bounded. */
import { PROBLEMS_TOLD } from './limits.ts';

export interface Problem {
  readonly file: string;
  /** Counted from 1, the header is line 1; absent when it is of the file as a whole. */
  readonly line?: number;
  readonly column?: string;
  readonly text: string;
}

export class Problems {
  readonly #told: Problem[] = [];
  #count = 0;

  add(problem: Problem): void {
    this.#count++;
    if (this.#told.length < PROBLEMS_TOLD) this.#told.push(problem);
  }

  get count(): number {
    return this.#count;
  }

  /** One sentence each, in the order of files and lines. */
  sentences(): string[] {
    const sorted = this.#told.toSorted((a, b) => compare(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0));
    const more = this.#count - this.#told.length;
    return [...sorted.map(sentenceOf), ...(more > 0 ? [`and ${more} more`] : [])];
  }
}

function sentenceOf({ file, line, column, text }: Problem): string {
  const place = [file, line === undefined ? undefined : `line ${line}`, column].filter((part) => part !== undefined);
  return `${place.join(', ')}: ${text}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Nothing of the set was taken. */
export class NetworkImportError extends Error {
  override name = 'NetworkImportError';
  readonly problems: readonly string[];
  constructor(dir: string, problems: readonly string[]) {
    super(`the network in ${dir} cannot be imported: ${problems.slice(0, 3).join('; ')}`);
    this.problems = problems;
  }
}
