let told = false;

export const isThorough = (): boolean => process.env.FLEXDER_REQUIRE_ENGINES === '1';

/** All of a table of slow cases in continuous integration; in a newcomer's run `few` of them, spread evenly. */
export const someOf = <T>(cases: readonly T[], few: number): readonly T[] =>
  isThorough() ? cases : cases.filter((_, index) => index % Math.ceil(cases.length / few) === 0);

/**
 * For a `before` hook: long tests that continuous integration runs (FLEXDER_REQUIRE_ENGINES=1) and a newcomer's
 * `npm test`, which is to take minutes, skips and says so.
 */
export function thorough(this: Mocha.Context): void {
  if (isThorough()) return;
  if (!told) process.stderr.write('\n  skipped: long tests (FLEXDER_REQUIRE_ENGINES=1 runs them)\n');
  told = true;
  this.skip();
}
