/** `npm run fuzz -- [--target NAME] [--seconds N] [--seed S] [--path P]`: broken inputs for every reader, until something breaks. */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

const MOST_RUNS = 100_000_000;
const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
});
const names = values.target === undefined ? Object.keys(TARGETS) : [values.target];
const unknown = names.find((name) => !Object.hasOwn(TARGETS, name));
const seconds = Number(values.seconds);
if (unknown !== undefined || !(seconds > 0)) {
  process.stderr.write(`--target is one of ${Object.keys(TARGETS).join(', ')}; --seconds is above 0\n`);
  process.exit(2);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
let failed = false;
for (const name of names) {
  const { runs, taken, failure } = fuzz(TARGETS[name]!, {
    seed,
    runs: MOST_RUNS,
    millis: seconds * 1_000,
    path: values.path,
  });
  process.stdout.write(`${JSON.stringify({ target: name, seed, runs, taken, failed: failure !== undefined })}\n`);
  if (!failure) continue;
  failed = true;
  process.stderr.write(`${failure.error}\ninput, base64: ${failure.input.toString('base64')}\n`);
  process.stderr.write(`again: npm run fuzz -- --target ${name} --seed ${seed} --path ${failure.path}\n`);
}
process.exit(failed ? 1 : 0);
