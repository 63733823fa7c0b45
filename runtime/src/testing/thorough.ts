let told = false;

/**
 * For a `before` hook: long tests that continuous integration runs (FLEXDER_REQUIRE_ENGINES=1) and a newcomer's
 * `npm test`, which is to take minutes, skips and says so.
 */
export function thorough(this: Mocha.Context): void {
  if (process.env.FLEXDER_REQUIRE_ENGINES === '1') return;
  if (!told) process.stderr.write('\n  skipped: long tests (FLEXDER_REQUIRE_ENGINES=1 runs them)\n');
  told = true;
  this.skip();
}
