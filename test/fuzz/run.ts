import fc from 'fast-check';
import { mutated } from './mutate.ts';
import type { Target } from './targets.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly runs: number;
  /** Ends earlier when this is over. */
  readonly millis: number;
  /** Where a failure was found before. */
  readonly path?: string | undefined;
}

export interface FuzzOutcome {
  readonly runs: number;
  readonly taken: number;
  /** The smallest input found that breaks something, and what it broke. */
  readonly failure?: { readonly input: Buffer; readonly path: string; readonly error: string };
}

export function fuzz(target: Target, { seed, runs, millis, path }: FuzzOptions): FuzzOutcome {
  let taken = 0;
  const property = fc.property(mutated(target.corpus, target.words), (input) => {
    if (target.feed(input)) taken++;
  });
  const found = fc.check(property, {
    ...{ seed, numRuns: runs, interruptAfterTimeLimit: millis },
    ...(path !== undefined && { path }),
  });
  if (!found.failed || found.counterexample === null) return { runs: found.numRuns, taken };
  const [input] = found.counterexample;
  const error = String((found.errorInstance as Error | undefined)?.stack ?? found.errorInstance).slice(0, 2_000);
  return { runs: found.numRuns, taken, failure: { input, path: found.counterexamplePath ?? '', error } };
}
