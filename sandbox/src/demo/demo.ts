/** What the command loads when it runs, and not for its help. */
export { describeSummary } from './describe.ts';
export { showProgress } from './progress.ts';
export { runScenario } from './run.ts';
