/** `npm run chaos -- --minutes N --seed S [--orders N] [--engines]`: exit code 1 and the command that repeats it on a violation. */
import { parseArgs } from 'node:util';
import { repeatOf, runChaos } from './run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    orders: { type: 'string' },
    engines: { type: 'boolean', default: false },
  },
});
const number = (name: string, text: string, low: number, high: number) => {
  const value = Number(text);
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  process.stderr.write(`--${name} must be a number from ${low} to ${high}, not ${text}\n`);
  process.exit(2);
};
/** Orders a minute when nobody says: what two small aggregators bear on a machine that is also the network. */
const ORDERS_A_MINUTE = 120;
const seconds = values.seconds
  ? number('seconds', values.seconds, 5, 3_600)
  : Math.round(number('minutes', values.minutes ?? '2', 0.1, 60) * 60);
const orders = Math.round(number('orders', values.orders ?? String((ORDERS_A_MINUTE * seconds) / 60), 1, 10_000));
const options = { seed: number('seed', values.seed, 0, 2 ** 31 - 1), seconds, orders, engines: values.engines };

const verdict = await runChaos(options, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(
  `${JSON.stringify({ verdict: verdict.violations.length === 0 ? 'held' : 'violated', ...verdict }, null, 2)}\n`,
);
if (verdict.violations.length > 0) process.stderr.write(`again: ${repeatOf(options)}\n`);
process.exit(verdict.violations.length > 0 ? 1 : 0);
