/** `npm run sim -- --seed N [--seeds M] [--orders K] [--jobs J] [--trace]`: M seeds from N on, in J processes. */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { SimDatabase } from './database.ts';
import { runSeed, type SeedResult } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    orders: { type: 'string', default: '4' },
    jobs: { type: 'string', default: '1' },
    /** Every how many seeds one is taken: a process among several. */
    every: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});

function whole(name: 'seed' | 'seeds' | 'orders' | 'jobs' | 'every', least: number): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  console.error(`--${name} is a whole number from ${least}, not ${values[name]}`);
  process.exit(2);
}

const [first, seeds, orders] = [whole('seed', 0), whole('seeds', 1), whole('orders', 1)];
const [jobs, every] = [Math.min(whole('jobs', 1), seeds), whole('every', 1)];

function tell({ seed, hash, faults, broken, trace, ends }: SeedResult): void {
  const told = Object.entries(ends).map(([state, count]) => `${count} ${state}`);
  const verdict = broken.length === 0 ? 'holds' : 'BROKEN';
  console.log(`seed ${seed} ${hash.slice(0, 16)} ${verdict}: ${told.join(', ') || 'no orders'}`);
  if (values.trace) console.log(trace.join('\n'));
  if (broken.length === 0) return;
  console.log(`  faults: ${faults || 'none'}`);
  for (const what of broken) console.log(`  ${what}`);
  console.log(`  again: npm run sim -- --seed ${seed}${orders === 4 ? '' : ` --orders ${orders}`}`);
}

async function runHere(): Promise<number> {
  const database = await SimDatabase.open();
  let broken = 0;
  for (let seed = first; seed < first + seeds; seed += every) {
    const result = await runSeed({ seed, orders, database, keepTrace: values.trace });
    tell(result);
    if (result.broken.length > 0) broken++;
  }
  await database.close();
  return broken;
}

/** Each of several processes takes every so many; its exit code says whether all of its seeds hold. */
async function runBeside(): Promise<number> {
  const failures = Array.from({ length: jobs }, (_, job) => {
    const mine = ['--seed', first + job, '--seeds', seeds - job, '--every', jobs, '--orders', orders].map(String);
    const child = fork(import.meta.filename, [...mine, ...(values.trace ? ['--trace'] : [])], {
      execArgv: process.execArgv,
    });
    return new Promise<number>((resolve) => child.once('exit', (code) => resolve(code === 0 ? 0 : 1)));
  });
  return (await Promise.all(failures)).reduce((sum, one) => sum + one, 0);
}

const beganMs = performance.now();
const broken = jobs > 1 ? await runBeside() : await runHere();
if (every === 1) {
  const perMinute = Math.round(seeds / ((performance.now() - beganMs) / 60_000));
  console.log(`${seeds} seeds, ${perMinute} a minute: ${broken === 0 ? 'all hold' : 'some are BROKEN, see above'}`);
}
process.exitCode = broken > 0 ? 1 : 0;
